"""trips_by_hour: query trips by zone and hour of the day."""

import functions_framework
from flask import Request, Response
from shared.metrics.trips_by_hour import METRIC

from shared.api.metrics import routes
from shared.http.app import FunctionApp

app = FunctionApp("trips_by_hour", routes(METRIC))


@functions_framework.http
def trips_by_hour(request: Request) -> Response:
    """Answer a call."""
    return app(request)
