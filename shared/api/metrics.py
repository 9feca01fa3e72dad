"""The call of a metric. It is queried only if the rows that it counts may have changed."""

from __future__ import annotations

from flask import Request, Response

from shared import wiring
from shared.errors import UnusableParameter
from shared.http.problems import Problem
from shared.http.responses import (
    ResponseCache,
    cached_response,
    etag_of,
    table_response,
    wants_csv,
)
from shared.http.routes import Context, Parameter, ResponseSpec, Route
from shared.lazy import Once
from shared.metrics.metric import Metric
from shared.metrics.parameters import Parameter as Asked
from shared.warehouse import metrics, state
from shared.warehouse.bigquery import connect


@Once
def response_cache() -> ResponseCache:
    """Return this process's cache of responses."""
    return ResponseCache(wiring.settings().metrics_cache_bytes)


def routes(metric: Metric) -> dict[str, tuple[Route, ...]]:
    """Return the routes of a metric's function, by the function's name."""

    def answer(context: Context) -> Response:
        return _answer(context.request, metric)

    problems = [one.problem for one in metric.parameters if one.problem != "unusable-parameter"]
    route = Route(
        "GET",
        "/",
        answer,
        scope="metrics",
        summary=metric.summary,
        description="JSON, or CSV if `Accept` asks for `text/csv`.",
        parameters=(*map(_parameter, metric.parameters), _IF_NONE_MATCH),
        responses=(
            ResponseSpec(200, "The metric.", metric.document, metric.example, headers=_ETAG),
            ResponseSpec(200, "The metric.", media_type="text/csv"),
            _NOT_MODIFIED,
        ),
        problems={400: tuple(dict.fromkeys(problems)), 406: ("not-acceptable",)},
    )
    return {metric.name: (route,)}


def _answer(request: Request, metric: Metric) -> Response:
    values = {one.name: _value(request, one) for one in metric.parameters}
    settings = wiring.settings()
    warehouse = connect(wiring.bigquery_client(), settings, settings.query_seconds)

    def make() -> Response:
        found = metrics.ask(warehouse, metric, values, settings.maximum_bytes_billed)
        return table_response(request, found, found.rows, metric.columns)

    form = "csv" if wants_csv(request) else "json"
    # The ETag depends on the statement too: a new release may change it.
    sql = warehouse.names.resolved(metric.sql)
    version = state.version(warehouse, metric.counts)
    etag = etag_of(form, *map(str, values.values()), sql, version)
    return cached_response(request, etag, response_cache(), make)


def _value(request: Request, asked: Asked) -> int:
    try:
        return asked.parse(request.args.get(asked.name))
    except UnusableParameter as error:
        raise Problem(400, asked.problem, str(error)) from error


def _parameter(asked: Asked) -> Parameter:
    schema = {
        "type": "integer",
        "minimum": asked.minimum,
        "maximum": asked.maximum,
        "default": asked.default,
    }
    return Parameter(asked.name, "query", asked.description, schema, example=asked.default)


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
