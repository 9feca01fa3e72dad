"""How both metrics are answered: asked of BigQuery only where they may have changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Request, Response

from shared.errors import UnusableYear
from shared.http import conditional
from shared.http.answers import table_answer, wants_csv
from shared.http.conditional import Kept
from shared.http.problems import Problem
from shared.warehouse import metrics, state

if TYPE_CHECKING:
    from shared.warehouse.bigquery import Warehouse


@dataclass(frozen=True)
class Table:
    """What a metric says.

    Attributes:
        envelope: what JSON says beside the rows.
        rows: in their order.
    """

    envelope: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Metric:
    """A metric as it is answered.

    Attributes:
        name: of its statement.
        counts: the tables of the dictionary that it counts.
        columns: of a row.
        ask: asks for a year, scanning so many bytes at most.
    """

    name: str
    counts: Sequence[str]
    columns: Sequence[str]
    ask: Callable[["Warehouse", int, int], Table]


def _hires_by_quarter(warehouse: "Warehouse", year: int, most_bytes: int) -> Table:
    found = metrics.hires_by_quarter(warehouse, year, most_bytes)
    return Table({"year": year, "as_of": found.as_of}, found.rows)


def _departments_above_mean(warehouse: "Warehouse", year: int, most_bytes: int) -> Table:
    found = metrics.departments_above_mean(warehouse, year, most_bytes)
    return Table({"year": year, "as_of": found.as_of, "mean": found.mean}, found.rows)


HIRES_BY_QUARTER = Metric(
    "hires_by_quarter", metrics.PAIR_TABLES, metrics.PAIR_COLUMNS, _hires_by_quarter
)
DEPARTMENTS_ABOVE_MEAN = Metric(
    "departments_above_mean",
    metrics.DEPARTMENT_TABLES,
    metrics.DEPARTMENT_COLUMNS,
    _departments_above_mean,
)


def year_of(request: Request) -> int:
    """The year that the caller asks for.

    Raises:
        Problem: 400.
    """
    try:
        return metrics.year_of(request.args.get("year"))
    except UnusableYear as error:
        raise Problem(400, "unusable-year", str(error)) from error


def answer(
    request: Request, metric: Metric, warehouse: "Warehouse", most_bytes: int, kept: Kept
) -> Response:
    """A metric as JSON or CSV; 304 where the caller has it, and as it was where nothing changed.

    Args:
        request: the call.
        metric: what is asked for.
        warehouse: where it is asked.
        most_bytes: what a query may scan.
        kept: answers of before.

    Raises:
        Problem: 400, 406.
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    year = year_of(request)
    form = "csv" if wants_csv(request) else "json"

    def make() -> Response:
        found = metric.ask(warehouse, year, most_bytes)
        return table_answer(request, found.rows, metric.columns, found.envelope)

    # The statement too: a new release may ask otherwise.
    sql = warehouse.names.text("metrics", metric.name)
    etag = conditional.etag_of(form, str(year), sql, state.version(warehouse, metric.counts))
    return conditional.answer(request, etag, kept, make)
