"""Builds JSON Schemas of the dictionary's tables with apispec's marshmallow plugin."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from shared.lazy import apispec, apispec_marshmallow
from shared.tables.column import json_value
from shared.tables.kind import Kind
from shared.tables.table import Table

VERSION = "3.1.0"
"""The version of OpenAPI whose dialect of JSON Schema is used."""

_STRICTER: Mapping[str, Callable[[int, int], int]] = {
    "minimum": max,
    "minLength": max,
    "maximum": min,
    "maxLength": min,
}


def schema(table: Table) -> dict[str, Any]:
    """Build the JSON Schema of a row that the dictionary accepts, with an example."""
    converter = _converter()
    for field in table.fields.values():
        shape = field.json_schema()
        # The plugin needs the type to translate the validators of a field.
        converter.map_to_openapi_type(type(field), shape.get("type"), shape.get("format"))
    found: dict[str, Any] = converter.schema2jsonschema(table.checker)
    # The plugin does not keep the order of the file.
    found["required"] = [name for name in table.names if name in found.get("required", ())]
    return {"description": table.description, **found, "examples": [example(table)]}


def example(table: Table) -> dict[str, Any]:
    """Build an example of a row that the dictionary accepts."""
    return {name: field.example(name) for name, field in table.fields.items()}


def _or_null(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape of a value that may be null."""
    if "type" not in shape:
        # Any JSON value, null among them.
        return dict(shape)
    given = shape["type"]
    types = [given] if isinstance(given, str) else list(given)
    found = {**shape, "type": [*types, "null"]}
    return {**found, "enum": [*shape["enum"], None]} if "enum" in shape else found


@cache
def _converter() -> Any:
    plugin = apispec_marshmallow.MarshmallowPlugin()
    # The plugin creates its converter only as part of a document.
    apispec.APISpec("tablegate", "0", VERSION, plugins=[plugin])
    converter: Any = plugin.converter
    converter.add_attribute_function(_shape)
    return converter


def _shape(_: Any, field: Kind, ret: Mapping[str, Any], **__: Any) -> dict[str, Any]:
    """Return the shape of a kind; `ret` has the limits that a field's validators set."""
    shape = field.json_schema()
    both = [limit for limit in _STRICTER if limit in shape and limit in ret]
    shape |= {limit: _STRICTER[limit](shape[limit], ret[limit]) for limit in both}
    if field.required:
        return shape
    default = {} if field.default is None else {"default": json_value(field.default)}
    return _or_null(shape) | default
