"""insert_rows: take a batch over HTTP and publish its valid rows."""

import functions_framework
from flask import Request, Response

from shared.api import insert_rows as api
from shared.http.app import FunctionApp

app = FunctionApp("insert_rows", api.ROUTES)


@functions_framework.http
def insert_rows(request: Request) -> Response:
    """Answer a call."""
    return app(request)
