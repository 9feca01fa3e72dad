"""Builds the OpenAPI document from the routes of every function."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared.http.problems import MEDIA_TYPE, PREFIX, ProblemDetails
from shared.http.routes import PUBLIC, PUSH, Parameter, ResponseSpec, Route, Schema
from shared.settings import SCOPES

REF = "#/components/schemas/{name}"

_PLACEHOLDER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")

KEY: Mapping[str, Any] = {"type": "string", "format": "key"}
"""The schema of a parameter that is a key of the table in the path; each table has its own."""
PROBLEM_TYPES = "x-problem-types"
"""The member of a problem's response that lists the kinds.

No enum in the schema: generators make a class of each, and clients fail on a kind that is new.
"""

_HEADERS = {
    "Allow": "The methods that the path takes.",
    "Request-Id": "The id by which the operator finds the call in the logs.",
    "Retry-After": "Seconds to wait before the same call is sent again.",
    "WWW-Authenticate": "How to authenticate.",
}
_OF_STATUS = {
    401: "WWW-Authenticate",
    403: "WWW-Authenticate",
    405: "Allow",
    429: "Retry-After",
    502: "Retry-After",
    503: "Retry-After",
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
            "schemas": {**schemas, **derived},
            "headers": {name: _header(sentence) for name, sentence in _HEADERS.items()},
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
            "content": {
                # Generators read no other type of a file.
                "application/octet-stream" if route.body.is_file else "application/json": _content(
                    route.body.schema, route.body.examples
                )
            },
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
    return [ProblemDetails, *(schema for schema in schemas if isinstance(schema, type))]


def _responses(route: Route) -> dict[str, Any]:
    """Describe every response of a route, by status."""
    found: dict[str, Any] = {}
    for response in route.responses:
        entry = found.setdefault(
            str(response.status),
            {"description": response.description, "headers": _shared_headers("Request-Id")},
        )
        own = {name: _header(sentence) for name, sentence in response.headers.items()}
        entry["headers"].update(own)
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
    found: dict[int, tuple[str, ...]] = {
        405: ("method-not-allowed",),
        500: ("internal-error", "not-configured"),
        # The gateway's, if a function ends or restarts.
        502: ("answer-lost",),
        503: ("try-again",),
    }
    if route.scope != PUBLIC:
        found[401] = ("token-missing", "token-refused")
        found[403] = ("wrong-scope",)
        found[400] = ("unusable-parameter",)
        found[429] = ("too-many-wrong-tokens",)
    if route.scheduled:
        found[401] += ("push-refused",)
        found[403] += ("wrong-account",)
    if "<" in route.path:
        found[404] = ("unknown-path",)
    if route.body is not None:
        found[400] = (*found.get(400, ()), "body-cut-off")
        if not route.body.is_file:
            found[400] += ("not-json", "duplicate-key", "not-finite", "too-deep")
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
    words = ", ".join(slug.replace("-", " ") for slug in slugs)
    return {
        "description": f"{words[0].upper()}{words[1:]}.",
        "headers": _shared_headers("Request-Id", *filter(None, [_OF_STATUS.get(status)])),
        "content": {MEDIA_TYPE: {"schema": _schema(ProblemDetails)}},
        PROBLEM_TYPES: kinds,
    }


def _shared_headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(sentence: str) -> dict[str, Any]:
    return {"description": sentence, "schema": {"type": "string"}}
