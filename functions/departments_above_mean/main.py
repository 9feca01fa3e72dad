"""departments_above_mean: who hired more in a year than the mean, from BigQuery."""

from functools import cache

import functions_framework
from flask import Request, Response

from shared import wiring
from shared.api.departments_above_mean import READ
from shared.http import metrics
from shared.http.conditional import Kept
from shared.http.routes import Call, Door
from shared.warehouse.bigquery import connect
from shared.warehouse.metrics import TIMEOUT_SECONDS


@cache
def kept() -> Kept:
    """Answers that still hold, for as long as this instance lives."""
    return Kept(wiring.settings().metrics_cache_bytes)


def read(call: Call) -> Response:
    """The metric as JSON or CSV."""
    metrics.year_of(call.request)  # before anything heavy is imported for a call that is none
    settings = wiring.settings()
    warehouse = connect(wiring.bigquery_client(), settings, TIMEOUT_SECONDS)
    most_bytes = settings.maximum_bytes_billed
    return metrics.answer(
        call.request, metrics.DEPARTMENTS_ABOVE_MEAN, warehouse, most_bytes, kept()
    )


DOOR = Door("departments_above_mean", [READ.to(read)])


@functions_framework.http
def departments_above_mean(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
