"""Builds JSON Schemas of the dictionary's tables with apispec's marshmallow plugin."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice, product
from typing import Any

from shared.lazy import apispec, apispec_marshmallow
from shared.tables.kind import Kind
from shared.tables.table import Table
from shared.validation.row import validate_row

VERSION = "3.1.0"
"""The version of OpenAPI whose dialect of JSON Schema is used."""

_STRICTER: Mapping[str, Callable[[int, int], int]] = {
    "minimum": max,
    "minLength": max,
    "maximum": min,
    "maxLength": min,
}

_STEPS: Mapping[type, Any] = {
    int: 1,
    float: 1.0,
    Decimal: 1,
    date: timedelta(days=1),
    datetime: timedelta(days=1),
}
"""How far a value is from the next that may be an example, by its type."""
_TRIED = 1000
"""How many rows are tried as an example."""


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
    return {"description": _description(table), **found, "examples": [example(table)]}


def example(table: Table) -> dict[str, Any]:
    """Build an example of a row that the dictionary accepts."""
    row = {name: field.example(name) for name, field in table.fields.items()}
    if not table.compiled_checks or isinstance(validate_row(table, row), dict):
        return row
    # Other values of the fields that checks name.
    others = [_others(table, name) for name in table.checked_names]
    tried = islice(product(*others), _TRIED)
    rows = ({**row, **dict(zip(table.checked_names, one, strict=True))} for one in tried)
    return next((one for one in rows if isinstance(validate_row(table, one), dict)), row)


def _others(table: Table, name: str) -> list[Any]:
    """Return JSON values of a field that may be an example, the likeliest first."""
    field = table.fields[name]
    plain = field.example(name)
    compared = [one for check in table.compiled_checks for one in check.literals.get(name, ())]
    near: list[Any] = []
    for value in (*compared, field.from_json(plain)):
        step = _STEPS.get(type(value))
        near += [value] if step is None else [value, value + step, value - step]
    found = [plain, *map(field.json_of, near), *field.json_schema().get("enum", ())]
    return [*([] if field.required else [None]), *found]


def _description(table: Table) -> str:
    """Describe a row, and what its fields must meet together."""
    checks = [f"- {check.message}" for check in table.checks]
    return "\n\n".join([table.description, *(["\n".join(checks)] if checks else [])])


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
    default = {} if field.default is None else {"default": field.json_of(field.default)}
    return _or_null(shape) | default
