"""freshness: report how far BigQuery is behind PostgreSQL."""

import functions_framework
from flask import Request, Response

from shared.api import freshness as api
from shared.http.app import FunctionApp

app = FunctionApp("freshness", api.ROUTES)


@functions_framework.http
def freshness(request: Request) -> Response:
    """Answer a call."""
    return app(request)
