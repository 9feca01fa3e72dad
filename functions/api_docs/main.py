"""api_docs: the OpenAPI document, and a page to read it and try its calls."""

from functools import cache

import functions_framework
from flask import Request, Response

from shared import api
from shared.api.api_docs import ASSET, DOCUMENT, PAGE
from shared.http import page
from shared.http.answers import json_answer
from shared.http.document import build
from shared.http.routes import Call, Door


def document(call: Call) -> Response:
    """The document, made once a process."""
    return page.revalidated(call.request, json_answer(_document()))


def docs(call: Call) -> Response:
    """The page."""
    return page.page(call.request)


def asset(call: Call) -> Response:
    """A file of the page."""
    return page.asset(call.request, call.params["name"])


@cache
def _document() -> object:
    return build(api.all_routes())


DOOR = Door("api_docs", [DOCUMENT.to(document), PAGE.to(docs), ASSET.to(asset)])


@functions_framework.http
def api_docs(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
