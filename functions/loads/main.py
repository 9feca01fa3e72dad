"""loads: list what became of each file, batch, replay and restore."""

import functions_framework
from flask import Request, Response

from shared.api import loads as api
from shared.http.app import FunctionApp

app = FunctionApp("loads", api.ROUTES)


@functions_framework.http
def loads(request: Request) -> Response:
    """Answer a call."""
    return app(request)
