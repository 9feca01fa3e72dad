"""The metrics. They are queried only if the rows that they count may have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Request, Response

from shared import wiring
from shared.errors import UnusableYear
from shared.http.problems import Problem
from shared.http.responses import (
    ResponseCache,
    cached_response,
    etag_of,
    table_response,
    wants_csv,
)
from shared.http.routes import Context, Handler, Parameter, ResponseSpec, Route
from shared.lazy import Once
from shared.warehouse import metrics, state
from shared.warehouse.bigquery import Warehouse, connect
from shared.warehouse.metrics import (
    DEFAULT_YEAR,
    DEPARTMENT_TABLES,
    FIRST_YEAR,
    LAST_YEAR,
    PAIR_TABLES,
    DepartmentsAboveMean,
    HiresByQuarter,
    HiresOfDepartment,
    HiresOfPair,
)

Document = HiresByQuarter | DepartmentsAboveMean


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        name: the name of its SQL statement.
        counts: the tables of the dictionary whose rows it counts.
        row: the struct of a row.
        query: queries it for a year, within a limit of bytes to scan.
    """

    name: str
    counts: Sequence[str]
    row: type[msgspec.Struct]
    query: Callable[[Warehouse, int, int], Document]


_HIRES_BY_QUARTER = Metric("hires_by_quarter", PAIR_TABLES, HiresOfPair, metrics.hires_by_quarter)
_DEPARTMENTS_ABOVE_MEAN = Metric(
    "departments_above_mean", DEPARTMENT_TABLES, HiresOfDepartment, metrics.departments_above_mean
)


def hires_by_quarter(context: Context) -> Response:
    """Answer with the hires by department, job and quarter, as JSON or CSV."""
    return _answer(context.request, _HIRES_BY_QUARTER)


def departments_above_mean(context: Context) -> Response:
    """Answer with the departments that hired more than the mean, as JSON or CSV."""
    return _answer(context.request, _DEPARTMENTS_ABOVE_MEAN)


@Once
def response_cache() -> ResponseCache:
    """Return this process's cache of responses."""
    return ResponseCache(wiring.settings().metrics_cache_bytes)


def _answer(request: Request, metric: Metric) -> Response:
    year = _year(request)
    settings = wiring.settings()
    warehouse = connect(wiring.bigquery_client(), settings, settings.query_seconds)

    def make() -> Response:
        found = metric.query(warehouse, year, settings.maximum_bytes_billed)
        return table_response(request, found, found.rows, metric.row.__struct_fields__)

    form = "csv" if wants_csv(request) else "json"
    # The ETag depends on the statement too: a new release may change it.
    sql = warehouse.names.text("metrics", metric.name)
    etag = etag_of(form, str(year), sql, state.version(warehouse, metric.counts))
    return cached_response(request, etag, response_cache(), make)


def _year(request: Request) -> int:
    try:
        return metrics.year_of(request.args.get("year"))
    except UnusableYear as error:
        raise Problem(400, "unusable-year", str(error)) from error


_YEAR = Parameter(
    "year",
    "query",
    "The year, in UTC.",
    {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR, "default": DEFAULT_YEAR},
    example=DEFAULT_YEAR,
)
_IF_NONE_MATCH = Parameter(
    "If-None-Match",
    "header",
    "The `ETag` of a response that the caller has.",
    example='"5f2b9c0e7d6a41c3a1b8e4f09d3c7a62"',
)
_ETAG = {"ETag": "Changes as soon as a counted row changes."}
_NOT_MODIFIED = ResponseSpec(
    304, "The caller's response is still valid; nothing was queried.", media_type="", headers=_ETAG
)
_HIRES = {
    "year": 2021,
    "as_of": "2026-01-02T03:04:05Z",
    "rows": [{"department": "Sales", "job": "Recruiter", "q1": 3, "q2": 0, "q3": 7, "q4": 11}],
}
_DEPARTMENTS = {
    "year": 2021,
    "as_of": "2026-01-02T03:04:05Z",
    "mean": 136.25,
    "rows": [{"id": 8, "department": "Support", "hired": 216}],
}


def _route(handler: Handler, summary: str, schema: type, example: dict[str, Any]) -> Route:
    return Route(
        "GET",
        "/",
        handler,
        scope="metrics",
        summary=summary,
        description="JSON, or CSV if `Accept` asks for `text/csv`.",
        parameters=(_YEAR, _IF_NONE_MATCH),
        responses=(
            ResponseSpec(200, "The metric.", schema, example, headers=_ETAG),
            ResponseSpec(200, "The metric.", media_type="text/csv"),
            _NOT_MODIFIED,
        ),
        problems={400: ("unusable-year",), 406: ("not-acceptable",)},
    )


HIRES_BY_QUARTER = _route(
    hires_by_quarter, "Hires by department, job and quarter", HiresByQuarter, _HIRES
)
DEPARTMENTS_ABOVE_MEAN = _route(
    departments_above_mean,
    "Departments that hired more than the mean",
    DepartmentsAboveMean,
    _DEPARTMENTS,
)

ROUTES = {
    "departments_above_mean": (DEPARTMENTS_ABOVE_MEAN,),
    "hires_by_quarter": (HIRES_BY_QUARTER,),
}
