"""hires_by_quarter: hires of a year by department, job and quarter, from BigQuery."""

from functools import cache

import functions_framework
from flask import Request, Response

from shared import wiring
from shared.api.hires_by_quarter import READ
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
    return metrics.answer(call.request, metrics.HIRES_BY_QUARTER, warehouse, most_bytes, kept())


DOOR = Door("hires_by_quarter", [READ.to(read)])


@functions_framework.http
def hires_by_quarter(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
