"""The two metrics, computed from the star schema."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from shared.errors import UnusableYear
from shared.moments import Moment
from shared.warehouse.bigquery import Warehouse

FIRST_YEAR, LAST_YEAR, DEFAULT_YEAR = 1900, 2200, 2021

# The tables of the dictionary that a metric counts.
PAIR_TABLES = ("departments", "jobs", "hired_employees")
DEPARTMENT_TABLES = ("departments", "hired_employees")

AsOf: TypeAlias = Annotated[
    Moment | None,
    Meta(description="When the newest counted load was finished; null before the first."),
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
R = TypeVar("R", bound=msgspec.Struct)


class HiresOfPair(msgspec.Struct, frozen=True):
    """Hires of a year for one department and job."""

    department: str
    job: str
    q1: Count
    q2: Count
    q3: Count
    q4: Count


class HiresByQuarter(msgspec.Struct, frozen=True):
    """Hires of a year, by department and job in the order of their code points."""

    year: int
    as_of: AsOf
    # Pairs without hires are left out; departments with the same name are one, and so are jobs.
    rows: list[HiresOfPair]


class HiresOfDepartment(msgspec.Struct, frozen=True):
    """Hires of a year for one department."""

    id: int
    department: str
    hired: Count


class DepartmentsAboveMean(msgspec.Struct, frozen=True):
    """Departments that hired more in a year than the mean over all of them, most hires first."""

    year: int
    as_of: AsOf
    # Departments without hires count as 0; ties are in the order of their ids.
    mean: Annotated[
        float | None, Meta(description="Mean over all departments; null if there are none.")
    ]
    rows: list[HiresOfDepartment]


def year_of(text: str | None) -> int:
    """Parse the year in a query parameter; the default if it is missing.

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


def hires_by_quarter(warehouse: Warehouse, year: int, maximum_bytes_billed: int) -> HiresByQuarter:
    """Query the hires of a year by department, job and quarter.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    found = _ask(warehouse, "hires_by_quarter", year, maximum_bytes_billed)
    return HiresByQuarter(year, found[0]["as_of"], _rows(found, HiresOfPair))


def departments_above_mean(
    warehouse: Warehouse, year: int, maximum_bytes_billed: int
) -> DepartmentsAboveMean:
    """Query the departments that hired more in a year than the mean over all of them.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    found = _ask(warehouse, "departments_above_mean", year, maximum_bytes_billed)
    total, departments = found[0]["total"], found[0]["department_count"]
    mean = total / departments if departments else None
    return DepartmentsAboveMean(year, found[0]["as_of"], mean, _rows(found, HiresOfDepartment))


def _ask(warehouse: Warehouse, name: str, year: int, most: int) -> list[dict[str, Any]]:
    sql = warehouse.names.text("metrics", name)
    return warehouse.query(sql, {"year": ("INT64", year)}, maximum_bytes_billed=most)


def _rows(found: Sequence[Mapping[str, Any]], kind: type[R]) -> list[R]:
    # Each statement returns at least one row, for as_of; its other columns are null if none match.
    first = kind.__struct_fields__[0]
    return [msgspec.convert(row, kind) for row in found if row[first] is not None]
