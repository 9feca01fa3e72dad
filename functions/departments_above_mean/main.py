"""departments_above_mean: query departments that hired more in a year than the mean."""

import functions_framework
from flask import Request, Response

from shared.api import metrics
from shared.http.app import FunctionApp

app = FunctionApp("departments_above_mean", metrics.ROUTES)


@functions_framework.http
def departments_above_mean(request: Request) -> Response:
    """Answer a call."""
    return app(request)
