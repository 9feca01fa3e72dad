"""The clients that two generators make of the OpenAPI document, and what they read of an answer."""

import importlib
import json
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from shared.api import api_docs
from shared.http.document import PROBLEM_TYPES
from shared.http.problems import MEDIA_TYPE as PROBLEM

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# What callers sent, or wrote about it: its strings have no types.
UNTYPED = {"raw", "error", "examples", "key"}


@dataclass(frozen=True)
class Generated:
    """What both generators made of a document.

    Attributes:
        document: the document.
        complaints: what openapi-python-client left out, and why.
        client: the package that openapi-python-client generated.
        models: the pydantic models that datamodel-code-generator generated.
    """

    document: Mapping[str, Any]
    complaints: list[str]
    client: ModuleType
    models: ModuleType

    def operations(self) -> Iterator[dict[str, Any]]:
        """Every operation of the document."""
        for item in self.document["paths"].values():
            yield from item.values()

    def operation(self, name: str) -> dict[str, Any]:
        """The operation of this id."""
        return next(one for one in self.operations() if one["operationId"] == name)

    def module(self, name: str) -> ModuleType:
        """The module that openapi-python-client made of an operation."""
        (tag,) = self.operation(name)["tags"]
        return importlib.import_module(f"{self.client.__name__}.api.{tag}.{name}")

    def read(self, name: str, answer: httpx.Response) -> Any:
        """Read an answer to an operation as both clients do; gives openapi-python-client's value.

        Asserts that both keep every value, read moments as such, and know every member of problems.
        """
        client = self.client.AuthenticatedClient("http://x", "t", raise_on_unexpected_status=True)
        described = self.operation(name)["responses"].get(str(answer.status_code))
        assert described is not None, f"{name}: {answer.status_code} is not documented"
        assert answer.headers.keys() >= {header.lower() for header in described["headers"]} - {
            # Sent with some of the answers of a status.
            *("idempotent-replayed", "preference-applied", "retry-after")
        }
        parsed = self.module(name)._parse_response(client=client, response=answer)
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        if media_type not in ("application/json", PROBLEM):
            return parsed

        body = answer.json()
        schema = described["content"][media_type]["schema"]
        if media_type == PROBLEM:
            assert body["type"] in described[PROBLEM_TYPES], f"{name}: {body['type']}"
            assert parsed.additional_properties == {}
        assert comparable(parsed.to_dict()) == comparable(body)
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            model = getattr(self.models, "".join(p[0].upper() + p[1:] for p in name.split("_")))
            value = model.model_validate_json(answer.content)
            shown = json.loads(value.model_dump_json(exclude_unset=True))
            assert comparable(shown) == comparable(body)
            assert texts_of_moments(value.model_dump()) == []
        return parsed


def generate(document: Mapping[str, Any], folder: Path, name: str) -> Generated:
    """Generate both clients, as a package and a module of this name."""
    from datamodel_code_generator import DataModelType, Formatter, InputFileType, OpenAPIScope
    from datamodel_code_generator import generate as generate_models
    from openapi_python_client import generate as generate_client
    from openapi_python_client.config import Config, ConfigFile, MetaType

    source = folder / f"{name}.json"
    source.write_text(json.dumps(document))
    config = Config.from_sources(
        ConfigFile(post_hooks=[]), MetaType.NONE, source, "utf-8", True, folder / name
    )
    found = generate_client(config=config)
    with warnings.catch_warnings():
        # Its advice on names.
        warnings.simplefilter("ignore", FutureWarning)
        generate_models(
            source,
            input_file_type=InputFileType.OpenAPI,
            openapi_scopes=[OpenAPIScope.Schemas],
            output_model_type=DataModelType.PydanticV2BaseModel,
            formatters=[Formatter.BUILTIN],
            output=folder / f"{name}_models.py",
        )
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        client, models = map(importlib.import_module, (name, f"{name}_models"))
    finally:
        sys.path.remove(str(folder))
    complaints = [f"{one.header} {one.detail}" for one in found]
    return Generated(document, complaints, client, models)


def comparable(value: Any) -> Any:
    """The value with each moment in one notation."""
    if isinstance(value, dict):
        return {name: comparable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return datetime.fromisoformat(value)
    return value


def texts_of_moments(value: Any) -> list[str]:
    """Moments that were read as texts."""
    if isinstance(value, dict):
        inner = [one for name, one in value.items() if name not in UNTYPED]
        return [text for one in inner for text in texts_of_moments(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts_of_moments(one)]
    return [value] if isinstance(value, str) and MOMENT.fullmatch(value) else []


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """Both clients, of the document as it is."""
    return generate(api_docs.build(), tmp_path_factory.mktemp("generated"), "tablegate_client")
