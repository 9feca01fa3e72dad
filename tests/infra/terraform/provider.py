"""A provider that knows the schema of Google's resources and never calls Google.

Terraform itself reads the files, resolves every reference and checks every argument against the
schema. This provider checks values of enumerations; `terraform test` mocks the rest.
"""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import msgpack

from tests.infra.terraform import planning, protocol

_NESTINGS = {"single": 1, "list": 2, "set": 3}
_MESSAGES = protocol.messages()


def read(file: Path) -> dict[str, Any]:
    """The schema of each provider by its name."""
    found: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return found


class Provider:
    """One provider."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def serve(self, address: Path) -> Any:
        """Answer on a unix socket until the server is stopped."""
        server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                getattr(self, name),
                request_deserializer=_MESSAGES[asked].FromString,
                response_serializer=_MESSAGES[answer].SerializeToString,
            )
            for name, (asked, answer) in protocol.METHODS.items()
        }
        handler = grpc.method_handlers_generic_handler("tfplugin5.Provider", handlers)
        server.add_generic_rpc_handlers((handler,))
        server.add_insecure_port(f"unix:{address}")
        server.start()
        return server

    def GetSchema(self, _: Any, __: Any) -> Any:  # noqa: N802 - the protocol's names
        """The schema."""
        answer = _MESSAGES["SchemaAnswer"](provider=_schema(self._schema["provider"]))
        for name, block in self._schema["resource"].items():
            answer.resource_schemas[name].CopyFrom(_schema(block))
        for name, block in self._schema["data"].items():
            answer.data_source_schemas[name].CopyFrom(_schema(block))
        return answer

    def PrepareProviderConfig(self, request: Any, _: Any) -> Any:  # noqa: N802
        """Return the provider's configuration unchanged."""
        return _MESSAGES["PrepareAnswer"](prepared_config=request.config)

    def ValidateResourceTypeConfig(self, request: Any, _: Any) -> Any:  # noqa: N802
        """Check the values of enumerations."""
        return self._validated("resource", request)

    def ValidateDataSourceConfig(self, request: Any, _: Any) -> Any:  # noqa: N802
        """Check the values of enumerations."""
        return self._validated("data", request)

    def Configure(self, _: Any, __: Any) -> Any:  # noqa: N802
        """Ignore the configuration, because this provider makes no calls."""
        return _MESSAGES["Diagnostics"]()

    def ReadDataSource(self, request: Any, _: Any) -> Any:  # noqa: N802
        """Return made-up data."""
        block = self._schema["data"][request.type_name]
        state = planning.completed(request.type_name, block, _unpacked(request.config))
        return _MESSAGES["ReadAnswer"](state=_packed(state))

    def PlanResourceChange(self, request: Any, _: Any) -> Any:  # noqa: N802
        """Return the proposed values and made-up computed ones."""
        block = self._schema["resource"][request.type_name]
        proposed = _unpacked(request.proposed)
        if proposed is None:
            return _MESSAGES["PlanAnswer"](planned_state=request.proposed)
        planned = planning.completed(request.type_name, block, proposed)
        return _MESSAGES["PlanAnswer"](planned_state=_packed(planned), legacy_type_system=True)

    def Stop(self, _: Any, __: Any) -> Any:  # noqa: N802
        """Do nothing, because nothing is running."""
        return _MESSAGES["StopAnswer"]()

    def _validated(self, kind: str, request: Any) -> Any:
        block = self._schema[kind][request.type_name]
        config = _unpacked(request.config) or {}
        return _MESSAGES["Diagnostics"](diagnostics=_bad_values(block, config, ()))


def _unpacked(value: Any) -> Any:
    # An unknown value stays an extension type, and is packed unchanged.
    return msgpack.unpackb(value.msgpack, strict_map_key=False)


def _packed(value: Any) -> Any:
    return _MESSAGES["DynamicValue"](msgpack=msgpack.packb(value))


def _schema(block: dict[str, Any]) -> Any:
    return _MESSAGES["Schema"](block=_block(block))


def _block(block: dict[str, Any]) -> Any:
    message = _MESSAGES["Block"]()
    for name, one in block["attributes"].items():
        uses = {use: one.get(use, False) for use in ("required", "optional", "computed")}
        message.attributes.add(name=name, type=json.dumps(one["type"]).encode(), **uses)
    for name, nested in block["blocks"].items():
        message.block_types.add(
            type_name=name,
            block=_block(nested),
            nesting=_NESTINGS[nested["nesting"]],
            min_items=nested["min"],
            max_items=nested["max"],
        )
    return message


def _bad_values(block: dict[str, Any], config: dict[str, Any], path: tuple[Any, ...]) -> list[Any]:
    """A diagnostic for each value that is not in its enumeration."""
    found = []
    for name, attribute in block["attributes"].items():
        value = config.get(name)
        if isinstance(value, str) and value not in attribute.get("values", [value]):
            allowed = ", ".join(attribute["values"])
            found.append(
                _error(f"{name} is {value!r}", f"It must be one of {allowed}.", (*path, name))
            )
    for name, nested in block["blocks"].items():
        inside = config.get(name) or []
        items = [inside] if isinstance(inside, dict) else inside
        for index, item in enumerate(items):
            if isinstance(item, dict):
                found += _bad_values(nested, item, (*path, name, index))
    return found


def _error(summary: str, detail: str, path: tuple[Any, ...]) -> Any:
    message = _MESSAGES["Diagnostic"](severity=1, summary=summary, detail=detail)
    for step in path:
        if isinstance(step, int):
            message.attribute.steps.add(element_key_int=step)
        else:
            message.attribute.steps.add(attribute_name=step)
    return message
