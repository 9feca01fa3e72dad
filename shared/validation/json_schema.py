"""The dictionary's tables as JSON Schemas, through apispec's marshmallow plugin."""

from functools import cache
from typing import Any

from shared.lazy import apispec, apispec_marshmallow
from shared.tables.kind import Kind
from shared.tables.table import Table

VERSION = "3.1.0"
"""The version of OpenAPI whose dialect of JSON Schema this is."""


def schema(table: Table) -> dict[str, Any]:
    """The JSON Schema of a row that the dictionary accepts, with an example."""
    converter = _converter()
    for field in table.fields.values():
        shape = field.json_schema()
        # The plugin goes by the type when it translates the validators of a field.
        converter.map_to_openapi_type(type(field), shape.get("type"), shape.get("format"))
    found: dict[str, Any] = converter.schema2jsonschema(table.checker)
    # In the order of the file, which the plugin does not keep.
    found["required"] = [name for name in table.names if name in found.get("required", ())]
    return {"description": table.description, **found, "examples": [example(table)]}


def example(table: Table) -> dict[str, Any]:
    """A row that the dictionary accepts."""
    return {name: field.example(name) for name, field in table.fields.items()}


@cache
def _converter() -> Any:
    plugin = apispec_marshmallow.MarshmallowPlugin()
    # The plugin makes its converter when it is given to a document.
    apispec.APISpec("tablegate", "0", VERSION, plugins=[plugin])
    converter: Any = plugin.converter
    converter.add_attribute_function(_shape)
    return converter


def _shape(_: Any, field: Kind, **__: Any) -> dict[str, Any]:
    return field.json_schema()
