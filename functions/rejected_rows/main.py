"""rejected_rows: list rejected rows, correct and replay them, or discard them."""

import functions_framework
from flask import Request, Response

from shared.api import rejected_rows as api
from shared.http.app import FunctionApp

app = FunctionApp("rejected_rows", api.ROUTES)


@functions_framework.http
def rejected_rows(request: Request) -> Response:
    """Answer a call."""
    return app(request)
