"""dashboard: a page to watch and operate the platform, and the calls that only it makes."""

import functions_framework
from flask import Request, Response

from shared.api import dashboard as api
from shared.http.app import FunctionApp

app = FunctionApp("dashboard", api.ROUTES)


@functions_framework.http
def dashboard(request: Request) -> Response:
    """Answer a call."""
    return app(request)
