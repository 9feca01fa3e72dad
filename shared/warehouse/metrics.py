"""The two metrics, asked of the star schema."""

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
class HiresByQuarter:
    """Hires of a year by department and job, a column a quarter.

    Attributes:
        year: which, in UTC.
        as_of: when the newest load that is counted was finished; None before the first.
        rows: `PAIR_COLUMNS`; by department and job, in the order of their code points. A pair that
            hired nobody is not listed; departments of one name are one, and so are jobs.
    """

    year: int
    as_of: datetime | None
    rows: Sequence[Row]


@dataclass(frozen=True)
class DepartmentsAboveMean:
    """The departments that hired more in a year than the mean.

    Attributes:
        year: which, in UTC.
        as_of: when the newest load that is counted was finished; None before the first.
        mean: over all departments, those that hired nobody counted as 0; None without departments.
        rows: `DEPARTMENT_COLUMNS`; most first, then by id.
    """

    year: int
    as_of: datetime | None
    mean: float | None
    rows: Sequence[Row]


def year_of(text: str | None) -> int:
    """The year asked for; the default where none was named.

    Raises:
        UnusableYear: no number of four digits from 1900 to 2200.
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
) -> HiresByQuarter:
    """Ask for the hires of a year by department, job and quarter.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    found = _ask(warehouse, "hires_by_quarter", year, maximum_bytes_billed)
    return HiresByQuarter(year, found[0]["as_of"], _rows(found, PAIR_COLUMNS))


def departments_above_mean(
    warehouse: "Warehouse", year: int, maximum_bytes_billed: int
) -> DepartmentsAboveMean:
    """Ask for the departments that hired more in a year than the mean over all of them.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    found = _ask(warehouse, "departments_above_mean", year, maximum_bytes_billed)
    total, departments = found[0]["total"], found[0]["department_count"]
    mean = total / departments if departments else None
    return DepartmentsAboveMean(year, found[0]["as_of"], mean, _rows(found, DEPARTMENT_COLUMNS))


def _ask(warehouse: "Warehouse", name: str, year: int, most: int) -> list[dict[str, Any]]:
    sql = warehouse.names.text("metrics", name)
    return warehouse.query(sql, {"year": ("INT64", year)}, maximum_bytes_billed=most)


def _rows(found: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    # Each statement answers one row at least, for as_of; where nothing is listed, a row of nulls.
    return [
        {column: row[column] for column in columns} for row in found if row[columns[0]] is not None
    ]
