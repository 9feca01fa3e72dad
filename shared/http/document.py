"""Builds the OpenAPI document from the routes of every function."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared.http.problems import MEDIA_TYPE, PREFIX
from shared.http.routes import PUBLIC, PUSH, Parameter, ResponseSpec, Route, Schema
from shared.settings import SCOPES

REF = "#/components/schemas/{name}"

_PLACEHOLDER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind; never changes."},
        "title": {"type": "string", "description": "The kind in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do about it."},
        "pointer": {"type": "string", "description": "Where in the body, as a JSON pointer."},
    },
    "required": ["type", "title", "status", "detail"],
}


def build(
    head: Mapping[str, Any],
    routes: Mapping[str, Sequence[Route]],
    schemas: Mapping[str, Any],
) -> dict[str, Any]:
    """Build the document, as JSON values.

    Args:
        head: the document's first members: `openapi` and `info`.
        routes: the routes of each function by its name.
        schemas: the schemas that routes refer to by name, besides those of their structs.
    """
    paths: dict[str, dict[str, Any]] = {}
    for function, route in _documented(routes):
        path = path_of(function, route)
        paths.setdefault(path, {})[route.method.lower()] = _operation(function, route, path)
    _, derived = msgspec.json.schema_components(_structs(routes), ref_template=REF)
    return {
        **head,
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in routes if any(r.documented for r in routes[name])],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas, **derived},
            "securitySchemes": {
                "X-Token": {"type": "apiKey", "in": "header", "name": "X-Token"},
                "Bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def path_of(function: str, route: Route) -> str:
    """Return a route's path as callers write it, with placeholders in braces."""
    path = _PLACEHOLDER.sub(r"{\1}", route.path)
    return path if route.at_root else f"/{function}{path}".rstrip("/")


def _documented(routes: Mapping[str, Sequence[Route]]) -> Iterator[tuple[str, Route]]:
    for function, of_function in routes.items():
        for route in of_function:
            if route.documented and route.scope != PUSH:
                yield function, route


def _operation(function: str, route: Route, path: str) -> dict[str, Any]:
    words = re.findall(r"\w+", path)
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *words]),
        "tags": [function],
        "summary": route.summary,
        "responses": _responses(route),
    }
    if route.description:
        operation["description"] = route.description
    if route.parameters:
        operation["parameters"] = [_parameter(given) for given in route.parameters]
    if route.body is not None:
        operation["requestBody"] = {
            "description": route.body.description,
            "required": route.body.required,
            "content": {"application/json": _content(route.body.schema, route.body.examples)},
        }
    if route.scope in SCOPES:
        scopes = [route.scope, *route.more_scopes]
        operation["security"] = [{"X-Token": scopes}, {"Bearer": scopes}]
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


def _content(schema: Schema, examples: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: {"value": msgspec.to_builtins(value)} for name, value in examples.items()}
    return {"schema": _schema(schema), **({"examples": shown} if shown else {})}


def _schema(schema: Schema) -> Any:
    """Return a schema, or a reference to the one that is derived from a struct."""
    if isinstance(schema, type):
        return {"$ref": REF.format(name=schema.__name__)}
    return dict(schema)


def _structs(routes: Mapping[str, Sequence[Route]]) -> list[type]:
    schemas = [
        described.schema
        for _, route in _documented(routes)
        for described in (*route.responses, *((route.body,) if route.body else ()))
    ]
    return [schema for schema in schemas if isinstance(schema, type)]


def _responses(route: Route) -> dict[str, Any]:
    """Describe every response of a route, by status."""
    found: dict[str, Any] = {}
    for response in route.responses:
        entry = found.setdefault(str(response.status), {"description": response.description})
        if response.headers:
            entry["headers"] = {
                name: {"description": sentence, "schema": {"type": "string"}}
                for name, sentence in response.headers.items()
            }
        if response.media_type:
            entry.setdefault("content", {})[response.media_type] = _response_content(response)
    for status, slugs in sorted(_problems(route).items()):
        found[str(status)] = _problem(status, slugs)
    return found


def _response_content(response: ResponseSpec) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "string"}}
    if response.schema is not None:
        content["schema"] = _schema(response.schema)
    if response.example is not None:
        content["example"] = msgspec.to_builtins(response.example)
    return content


def _problems(route: Route) -> dict[int, tuple[str, ...]]:
    """Return the slugs of every problem that a route can answer with, by status."""
    found: dict[int, tuple[str, ...]] = {500: ("internal-error", "not-configured")}
    if route.scope != PUBLIC:
        found[401] = ("token-missing", "token-refused")
        found[403] = ("wrong-scope",)
        found[400] = ("unusable-parameter",)
        found[429] = ("too-many-wrong-tokens",)
        found[503] = ("try-again",)
    if route.scheduled:
        found[401] += ("push-refused",)
        found[403] += ("wrong-account",)
    if "<" in route.path:
        found[404] = ("unknown-path",)
    if route.body is not None:
        found[400] = (
            *found.get(400, ()),
            "not-json",
            "duplicate-key",
            "not-finite",
            "too-deep",
            "body-cut-off",
        )
        # A body whose schema is written out is not read as a struct.
        found[400] += ("invalid-body",) if isinstance(route.body.schema, type) else ()
        found[408] = ("body-too-slow",)
        found[413] = ("body-too-large",)
        found[415] = ("unsupported-media-type", "unsupported-encoding")
    for status, slugs in route.problems.items():
        found[status] = tuple(dict.fromkeys((*found.get(status, ()), *slugs)))
    return found


def _problem(status: int, slugs: Sequence[str]) -> dict[str, Any]:
    kinds = [f"{PREFIX}{slug}" for slug in slugs]
    schema = {
        "allOf": [
            {"$ref": REF.format(name="Problem")},
            {"properties": {"type": {"enum": kinds}, "status": {"const": status}}},
        ]
    }
    words = ", ".join(slug.replace("-", " ") for slug in slugs)
    return {
        "description": f"{words[0].upper()}{words[1:]}.",
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
