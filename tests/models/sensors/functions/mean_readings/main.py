"""mean_readings: query the mean reading of each sensor."""

import functions_framework
from flask import Request, Response
from shared.metrics.mean_readings import METRIC

from shared.api.metrics import routes
from shared.http.app import FunctionApp

app = FunctionApp("mean_readings", routes(METRIC))


@functions_framework.http
def mean_readings(request: Request) -> Response:
    """Answer a call."""
    return app(request)
