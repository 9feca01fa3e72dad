"""The dictionary's tables as OpenAPI schemas, through apispec's marshmallow plugin."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow.fields import Field

from shared.lazy import apispec, apispec_marshmallow
from shared.tables.fields import MAX_INTEGER, Integer, Text, Timestamp
from shared.tables.table import Table

VERSION = "3.1.0"
_MOMENT = (
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
)
_OFFSET = r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"


def schema(table: Table) -> dict[str, Any]:
    """The JSON Schema of a row that the dictionary accepts, with an example."""
    found: dict[str, Any] = _converter().schema2jsonschema(table.checker)
    # In the order of the file, which the plugin does not keep.
    found["required"] = [name for name in table.names if name in found.get("required", ())]
    return {"description": table.description, **found, "examples": [example(table)]}


def example(table: Table) -> dict[str, Any]:
    """A row that the dictionary accepts."""
    return {name: _value(name, field) for name, field in table.fields.items()}


def _value(name: str, field: Field[Any]) -> Any:
    if isinstance(field, Integer):
        return 1
    if isinstance(field, Timestamp):
        return "2021-07-27T16:02:08Z"
    return f"{name.replace('_', ' ').capitalize()} 1"


@cache
def _converter() -> Any:
    plugin = apispec_marshmallow.MarshmallowPlugin()
    # The plugin makes its converter when it is given to a document.
    apispec.APISpec("tablegate", "0", VERSION, plugins=[plugin])
    converter: Any = plugin.converter
    for kind, names in _TYPES.items():
        converter.map_to_openapi_type(kind, *names)
    converter.add_attribute_function(_limits)
    return converter


_TYPES: dict[type[Field[Any]], tuple[str, str | None]] = {
    Integer: ("integer", "int64"),
    Text: ("string", None),
    Timestamp: ("string", "date-time"),
}


def _limits(_: Any, field: Field[Any], **__: Any) -> dict[str, Any]:
    if isinstance(field, Integer):
        return {"minimum": 1, "maximum": MAX_INTEGER}
    if isinstance(field, Text):
        return {
            "minLength": 1,
            "maxLength": field.max_length,
            "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
        }
    if isinstance(field, Timestamp):
        # Stricter than date-time, which takes a space, or a small t and z.
        offset = _OFFSET if field.default_timezone is None else f"{_OFFSET}?"
        return {"pattern": f"^{_MOMENT}{offset}$"}
    return {}
