"""hires_by_quarter: query hires of a year by department, job and quarter."""

import functions_framework
from flask import Request, Response

from shared.api.metrics import routes
from shared.http.app import FunctionApp
from shared.metrics.hires_by_quarter import METRIC

app = FunctionApp("hires_by_quarter", routes(METRIC))


@functions_framework.http
def hires_by_quarter(request: Request) -> Response:
    """Answer a call."""
    return app(request)
