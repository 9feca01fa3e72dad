"""The OpenAPI document, and a page to read it and try its calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from flask import Response
from msgspec.structs import replace

from shared import api, tables
from shared.api import filled
from shared.http import document, page
from shared.http.document import KEY, REF
from shared.http.page import Page
from shared.http.responses import json_response, revalidated
from shared.http.routes import PUBLIC, Body, Context, Parameter, ResponseSpec, Route
from shared.lazy import Once
from shared.metrics import all_metrics
from shared.tables import stored
from shared.tables.table import Table
from shared.validation import json_schema
from shared.validation.json_batch import MAX_ROWS

_HEAD = {
    "openapi": json_schema.VERSION,
    "info": {
        "title": "Tablegate",
        "version": "1",
        "description": "Rows come in through a gate: those that the data dictionary accepts reach "
        "the tables, every other row is kept with its reason.\n\nEvery call carries a token, as "
        "`X-Token` or as `Authorization: Bearer`. Errors are RFC 9457 problem details whose `type` "
        'never changes and whose `detail` says what to do. JSON types are strict: `1.0`, `"1"` '
        "and `true` are not integers.",
        "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
    },
}
_SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")


def _files() -> dict[str, Traversable]:
    folder = files("flask_swagger_ui") / "dist"
    return {"start.js": _FOLDER / "start.js", **{name: folder / name for name in _SWAGGER}}


_FOLDER = files(page)
_PAGE = Page(
    "/docs",
    _FOLDER / "index.html",
    _files,
    # Swagger UI's style sheet draws its icons from data: addresses.
    "img-src 'self' data:",
)


def build(dictionary: Mapping[str, Table] | None = None) -> dict[str, Any]:
    """Build the OpenAPI document, as JSON values.

    Args:
        dictionary: the tables; those of the data dictionary by default.
    """
    found = tables.all_tables() if dictionary is None else dictionary
    routes = {
        function: [shown for route in given for shown in _by_table(route, found)]
        for function, given in api.all_routes().items()
    }
    schemas: dict[str, Any] = {}
    for table in found.values():
        schemas[table.name] = json_schema.schema(table)
        schemas[f"{table.name}_batch"] = _batch(table)
        schemas[f"{table.name}_stored"] = _stored(table)
        schemas[f"{table.name}_page"] = _page(table)
    return filled.fill(document.build(_HEAD, routes, schemas), found, all_metrics())


def show_document(context: Context) -> Response:
    """Answer with the document."""
    return revalidated(context.request, json_response(_built()))


def show_page(context: Context) -> Response:
    """Answer with the page."""
    return _PAGE.show(context.request)


def show_asset(context: Context) -> Response:
    """Answer with a file of the page."""
    return _PAGE.asset(context.request, context.params["name"])


@Once
def _built() -> dict[str, Any]:
    return build()


def _by_table(route: Route, dictionary: Mapping[str, Table]) -> Iterator[Route]:
    """Yield the route, or one per table if its rows depend on the table that its path names."""
    if "<table>" not in route.path:
        yield route
        return
    for table in dictionary.values():
        yield replace(
            route,
            path=route.path.replace("<table>", table.name),
            summary=route.summary.replace("{table}", table.name),
            parameters=[_of_key(parameter, table) for parameter in route.parameters],
            body=route.body and _batch_of(route.body, table),
            responses=[_of_table(response, table) for response in route.responses],
        )


def _batch_of(body: Body, table: Table) -> Body:
    return Body(
        body.description,
        _named(table, "batch"),
        {"one row": {"rows": [json_schema.example(table)]}},
    )


def _of_key(parameter: Parameter, table: Table) -> Parameter:
    """Return the parameter with the rule of the table's key, if it is one."""
    if parameter.schema != KEY or len(table.key) != 1:
        return parameter
    field = table.fields[table.key[0]]
    return replace(parameter, schema=field.json_schema(), example=field.example(table.key[0]))


def _of_table(response: ResponseSpec, table: Table) -> ResponseSpec:
    """Return the response with the table's own schema and example, if it is one of rows."""
    own = {name: _OWN_EXAMPLE[name] for name in stored.own(table)}
    row = {**json_schema.example(table), **own}
    examples = {"stored": row, "page": {"rows": [row], "next_cursor": None}}
    for name, example in examples.items():
        if response.schema == {"$ref": REF.format(name=f"{{table}}_{name}")}:
            return replace(response, schema=_named(table, name), example=example)
    return response


def _named(table: Table, what: str) -> dict[str, str]:
    return {"$ref": REF.format(name=f"{table.name}_{what}")}


def _stored(table: Table) -> dict[str, Any]:
    accepted = json_schema.schema(table)
    shapes: dict[str, dict[str, Any]] = {
        stored.ACCEPTED_AT: {"type": "string", "format": "date-time"},
        stored.LOAD_ID: {"type": "string", "format": "uuid"},
        stored.POSITION: {"type": "integer", "format": "int64", "minimum": 0},
    }
    described = {
        name: {**shapes[name], "description": column.description}
        for name, column in stored.own(table).items()
    }
    return {
        "type": "object",
        "description": f"{table.description} As it is stored.",
        "properties": {**accepted["properties"], **described},
        "required": [*accepted["properties"], *described],
        "additionalProperties": False,
    }


def _page(table: Table) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A page of rows, in the order of their keys.",
        "properties": {
            "rows": {"type": "array", "items": _named(table, "stored")},
            "next_cursor": {
                "type": ["string", "null"],
                "description": "Send it as `cursor` for the next page; null on the last.",
            },
        },
        "required": ["rows", "next_cursor"],
        "additionalProperties": False,
    }


_OWN_EXAMPLE = {
    stored.ACCEPTED_AT: "2026-01-02T03:04:05Z",
    stored.LOAD_ID: "7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10",
    stored.POSITION: 1,
}


def _batch(table: Table) -> dict[str, Any]:
    rows = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_ROWS,
        "items": {"$ref": REF.format(name=table.name)},
    }
    return {
        "type": "object",
        "description": "Rows are validated one by one: those that break a rule are rejected, the "
        "others are accepted.",
        "properties": {"rows": rows},
        "required": ["rows"],
        "additionalProperties": False,
    }


_NOT_MODIFIED = ResponseSpec(304, "It is the one of If-None-Match.", media_type="")

DOCUMENT = Route(
    "GET",
    "/openapi.json",
    show_document,
    scope=PUBLIC,
    summary="This document",
    responses=(ResponseSpec(200, "An OpenAPI 3.1 document.", {"type": "object"}), _NOT_MODIFIED),
    at_root=True,
)
PAGE = Route(
    "GET",
    "/docs",
    show_page,
    scope=PUBLIC,
    summary="A page to read this document and try its calls",
    responses=(ResponseSpec(200, "The page.", media_type="text/html"), _NOT_MODIFIED),
    at_root=True,
)
ASSET = Route("GET", "/docs/<name>", show_asset, scope=PUBLIC, at_root=True, documented=False)

ROUTES = {"api_docs": (DOCUMENT, PAGE, ASSET)}
