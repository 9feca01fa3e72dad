"""The OpenAPI document, and a page to read it and try its calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from flask import Response
from msgspec.structs import replace

from shared import api, tables
from shared.http import document, page
from shared.http.document import REF
from shared.http.page import Page
from shared.http.responses import json_response, revalidated
from shared.http.routes import PUBLIC, Body, Context, ResponseSpec, Route
from shared.lazy import Once
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
    rows = {table.name: json_schema.schema(table) for table in found.values()}
    batches = {f"{table.name}_batch": _batch(table) for table in found.values()}
    return document.build(_HEAD, routes, {**rows, **batches})


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
    """Yield the route, or one per table if its body depends on the table that its path names."""
    if "<table>" not in route.path or route.body is None:
        yield route
        return
    for table in dictionary.values():
        yield replace(
            route,
            path=route.path.replace("<table>", table.name),
            summary=route.summary.replace("{table}", table.name),
            body=Body(
                route.body.description,
                {"$ref": REF.format(name=f"{table.name}_batch")},
                {"one row": {"rows": [json_schema.example(table)]}},
            ),
        )


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
