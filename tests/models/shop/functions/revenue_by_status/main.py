"""revenue_by_status: query the revenue of a year by status."""

import functions_framework
from flask import Request, Response
from shared.metrics.revenue_by_status import METRIC

from shared.api.metrics import routes
from shared.http.app import FunctionApp

app = FunctionApp("revenue_by_status", routes(METRIC))


@functions_framework.http
def revenue_by_status(request: Request) -> Response:
    """Answer a call."""
    return app(request)
