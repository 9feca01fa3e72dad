"""departments_above_mean: departments that hired more in a year than the mean."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.metrics.metric import AsOf, Count, Metric


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


METRIC = Metric(
    name="departments_above_mean",
    title="Departments above the mean",
    summary="Departments that hired more than the mean",
    counts=("departments", "hired_employees"),
    document=DepartmentsAboveMean,
    example=DepartmentsAboveMean(
        year=2021,
        as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        mean=136.25,
        rows=[HiresOfDepartment(8, "Support", 216)],
    ),
    measures=("hired",),
    mean="mean",
)
