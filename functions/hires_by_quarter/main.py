"""hires_by_quarter: query hires of a year by department, job and quarter."""

import functions_framework
from flask import Request, Response

from shared.api import metrics
from shared.http.app import FunctionApp

app = FunctionApp("hires_by_quarter", metrics.ROUTES)


@functions_framework.http
def hires_by_quarter(request: Request) -> Response:
    """Answer a call."""
    return app(request)
