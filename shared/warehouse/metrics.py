"""The two metrics, computed from the star schema."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.errors import UnusableYear

if TYPE_CHECKING:
    # Heavy, and a function's start must not wait for it.
    from shared.warehouse.bigquery import Warehouse

FIRST_YEAR, LAST_YEAR, DEFAULT_YEAR = 1900, 2200, 2021
TIMEOUT_SECONDS = 20

PAIR_COLUMNS = ("department", "job", "q1", "q2", "q3", "q4")
DEPARTMENT_COLUMNS = ("id", "department", "hired")

# The tables of the dictionary that a metric counts.
PAIR_TABLES = ("departments", "jobs", "hired_employees")
DEPARTMENT_TABLES = ("departments", "hired_employees")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class QuarterlyHires:
    """Hires of a year by department and job, a column for each quarter.

    Attributes:
        year: the year, in UTC.
        as_of: when the newest load that is counted was finished; None before the first.
        rows: `PAIR_COLUMNS`; by department and job, in the order of their code points. Pairs
            without hires are left out; departments with the same name are one, and so are jobs.
    """

    year: int
    as_of: datetime | None
    rows: Sequence[Row]


@dataclass(frozen=True)
class HiringAboveMean:
    """The departments that hired more in a year than the mean.

    Attributes:
        year: the year, in UTC.
        as_of: when the newest load that is counted was finished; None before the first.
        mean: over all departments, those without hires counted as 0; None if there are none.
        rows: `DEPARTMENT_COLUMNS`; those with most hires first, then by id.
    """

    year: int
    as_of: datetime | None
    mean: float | None
    rows: Sequence[Row]


def year_of(text: str | None) -> int:
    """The year in a query parameter; the default if it is missing.

    Raises:
        UnusableYear: it is not a number of four digits from 1900 to 2200.
    """
    if text is None:
        return DEFAULT_YEAR
    if not re.fullmatch(r"[0-9]{4}", text) or not FIRST_YEAR <= int(text) <= LAST_YEAR:
        raise UnusableYear(
            f"A year is a number from {FIRST_YEAR} to {LAST_YEAR}, such as year={DEFAULT_YEAR}."
        )
    return int(text)


def hires_by_quarter(
    warehouse: "Warehouse", year: int, maximum_bytes_billed: int
) -> QuarterlyHires:
    """Query the hires of a year by department, job and quarter.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    found = _ask(warehouse, "hires_by_quarter", year, maximum_bytes_billed)
    return QuarterlyHires(year, found[0]["as_of"], _rows(found, PAIR_COLUMNS))


def departments_above_mean(
    warehouse: "Warehouse", year: int, maximum_bytes_billed: int
) -> HiringAboveMean:
    """Query the departments that hired more in a year than the mean over all of them.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    found = _ask(warehouse, "departments_above_mean", year, maximum_bytes_billed)
    total, departments = found[0]["total"], found[0]["department_count"]
    mean = total / departments if departments else None
    return HiringAboveMean(year, found[0]["as_of"], mean, _rows(found, DEPARTMENT_COLUMNS))


def _ask(warehouse: "Warehouse", name: str, year: int, most: int) -> list[dict[str, Any]]:
    sql = warehouse.names.text("metrics", name)
    return warehouse.query(sql, {"year": ("INT64", year)}, maximum_bytes_billed=most)


def _rows(found: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    # Each statement gives at least one row, for as_of; if no row is listed, the others are null.
    return [
        {column: row[column] for column in columns} for row in found if row[columns[0]] is not None
    ]
