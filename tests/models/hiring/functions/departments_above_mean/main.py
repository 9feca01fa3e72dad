"""departments_above_mean: query departments that hired more in a year than the mean."""

import functions_framework
from flask import Request, Response

from shared.api.metrics import routes
from shared.http.app import FunctionApp
from shared.metrics.departments_above_mean import METRIC

app = FunctionApp("departments_above_mean", routes(METRIC))


@functions_framework.http
def departments_above_mean(request: Request) -> Response:
    """Answer a call."""
    return app(request)
