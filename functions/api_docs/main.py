"""api_docs: serve the OpenAPI document, and a page to read it and try its calls."""

import functions_framework
from flask import Request, Response

from shared.api import api_docs as api
from shared.http.app import FunctionApp

app = FunctionApp("api_docs", api.ROUTES)


@functions_framework.http
def api_docs(request: Request) -> Response:
    """Answer a call."""
    return app(request)
