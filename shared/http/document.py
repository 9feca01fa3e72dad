"""The OpenAPI document: from the dictionary and the routes of every function, nothing else."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared import tables
from shared.http.descriptions import Parameter
from shared.http.responses import PROBLEM, REF, responses, schema_of
from shared.http.routes import PUSH, Route
from shared.settings import SCOPES
from shared.tables.table import Table
from shared.validation import json_schema
from shared.validation.json_batch import MAX_ROWS

_PLACE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")

_ABOUT = (
    "Rows come in through a gate: those that the data dictionary accepts reach the tables, every "
    "other row is kept with its reason.\n\nEvery call carries a token, as `X-Token` or as "
    "`Authorization: Bearer`. Faults are RFC 9457 problem details whose `type` never changes and "
    'whose `detail` says what to do. JSON types are strict: `1.0`, `"1"` and `true` are no '
    "integers."
)


def build(
    routes: Mapping[str, Sequence[Route]], dictionary: Mapping[str, Table] | None = None
) -> dict[str, Any]:
    """The document, as JSON values.

    Args:
        routes: of each function by its name.
        dictionary: the tables; those of the dictionary by default.
    """
    found = tables.all_tables() if dictionary is None else dictionary
    paths: dict[str, dict[str, Any]] = {}
    for function, route in _documented(routes):
        for path, operation in _operations(function, route, found):
            paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": json_schema.VERSION,
        "info": {
            "title": "Tablegate",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in routes if any(r.documented for r in routes[name])],
        "paths": paths,
        "components": {
            "schemas": _schemas(routes, found),
            "securitySchemes": {
                "X-Token": {"type": "apiKey", "in": "header", "name": "X-Token"},
                "Bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def path_of(function: str, route: Route) -> str:
    """A route's path as callers write it, its parameters in braces."""
    path = _PLACE.sub(r"{\1}", route.path)
    return path if route.at_root else f"/{function}{path}".rstrip("/")


def _documented(routes: Mapping[str, Sequence[Route]]) -> Iterator[tuple[str, Route]]:
    for function, of_function in routes.items():
        for route in of_function:
            if route.documented and route.scope != PUSH:
                yield function, route


def _operations(
    function: str, route: Route, dictionary: Mapping[str, Table]
) -> Iterator[tuple[str, dict[str, Any]]]:
    path = path_of(function, route)
    if route.body is None or route.body.schema is not None:
        yield path, _operation(function, route, path)
        return
    # One operation a table: each says exactly what its rows are made of.
    for table in dictionary.values():
        named = path.replace("{table}", table.name)
        operation = _operation(function, route, named)
        operation["summary"] = route.summary.replace("{table}", table.name)
        operation["requestBody"] = _json_body(
            route.body.description,
            {"$ref": REF.format(name=f"{table.name}_batch")},
            {"one row": {"rows": [json_schema.example(table)]}},
            required=True,
        )
        yield named, operation


def _operation(function: str, route: Route, path: str) -> dict[str, Any]:
    words = re.findall(r"\w+", path)
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *words]),
        "tags": [function],
        "summary": route.summary,
        "responses": responses(route),
    }
    if route.description:
        operation["description"] = route.description
    if route.parameters:
        operation["parameters"] = [_parameter(given) for given in route.parameters]
    if route.body is not None and route.body.schema is not None:
        operation["requestBody"] = _json_body(
            route.body.description,
            schema_of(route.body.schema),
            route.body.examples,
            required=route.body.required,
        )
    if route.scope in SCOPES:
        operation["security"] = [{"X-Token": [route.scope]}, {"Bearer": [route.scope]}]
    return operation


def _parameter(given: Parameter) -> dict[str, Any]:
    parameter: dict[str, Any] = {
        "name": given.name,
        "in": given.place,
        "description": given.description,
        "required": given.required or given.place == "path",
        "schema": dict(given.schema),
    }
    if given.example is not None:
        parameter["example"] = given.example
    return parameter


def _json_body(
    description: str, schema: Any, examples: Mapping[str, Any], *, required: bool
) -> dict[str, Any]:
    shown = {name: {"value": msgspec.to_builtins(value)} for name, value in examples.items()}
    content = {"schema": schema, **({"examples": shown} if shown else {})}
    return {
        "description": description,
        "required": required,
        "content": {"application/json": content},
    }


def _schemas(
    routes: Mapping[str, Sequence[Route]], dictionary: Mapping[str, Table]
) -> dict[str, Any]:
    found: dict[str, Any] = {"Problem": PROBLEM}
    for table in dictionary.values():
        found[table.name] = json_schema.schema(table)
        found[f"{table.name}_batch"] = _batch(table)
    _, derived = msgspec.json.schema_components(_structs(routes), ref_template=REF)
    return found | derived


def _structs(routes: Mapping[str, Sequence[Route]]) -> list[type[msgspec.Struct]]:
    schemas = [
        described.schema
        for _, route in _documented(routes)
        for described in (*route.answers, *((route.body,) if route.body else ()))
    ]
    return [schema for schema in schemas if isinstance(schema, type)]


def _batch(table: Table) -> dict[str, Any]:
    rows = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_ROWS,
        "items": {"$ref": REF.format(name=table.name)},
    }
    return {
        "type": "object",
        "description": "Rows are judged one by one: those that do not fit are turned away, the "
        "others are taken.",
        "properties": {"rows": rows},
        "required": ["rows"],
        "additionalProperties": False,
    }
