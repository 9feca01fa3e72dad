"""dashboard: serve a page to operate the platform, and the calls that only the page makes."""

import functions_framework
from flask import Request, Response

from shared.api import dashboard as api
from shared.http.app import FunctionApp

app = FunctionApp("dashboard", api.ROUTES)


@functions_framework.http
def dashboard(request: Request) -> Response:
    """Answer a call."""
    return app(request)
