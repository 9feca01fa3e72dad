"""read_rows: read the rows of a table as they are stored."""

import functions_framework
from flask import Request, Response

from shared.api import read_rows as api
from shared.http.app import FunctionApp

app = FunctionApp("read_rows", api.ROUTES)


@functions_framework.http
def read_rows(request: Request) -> Response:
    """Answer a call."""
    return app(request)
