"""Routes of departments_above_mean."""

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.api.hires_by_quarter import ETAG, IF_NONE_MATCH, NOT_MODIFIED, YEAR, AsOf
from shared.http.descriptions import Answer
from shared.http.routes import Route


class HiresOfDepartment(msgspec.Struct):
    """Hires of a year for one department."""

    id: int
    department: str
    hired: Annotated[int, Meta(ge=0)]


class DepartmentsAboveMean(msgspec.Struct):
    """Departments that hired more in a year than the mean over all of them, most first."""

    year: int
    as_of: AsOf
    mean: Annotated[
        float | None, Meta(description="Over all departments; null where there are none.")
    ]
    rows: list[HiresOfDepartment]


_EXAMPLE = {
    "year": 2021,
    "as_of": "2026-01-02T03:04:05Z",
    "mean": 136.25,
    "rows": [{"id": 8, "department": "Support", "hired": 216}],
}

READ = Route(
    "GET",
    "/",
    scope="metrics",
    summary="Departments that hired more than the mean",
    description="JSON, or CSV where `Accept` says `text/csv`.",
    parameters=(YEAR, IF_NONE_MATCH),
    answers=(
        Answer(200, "The departments.", DepartmentsAboveMean, _EXAMPLE, headers=ETAG),
        Answer(200, "The departments.", media_type="text/csv"),
        NOT_MODIFIED,
    ),
    problems={400: ("unusable-year",), 406: ("not-acceptable",)},
)

ROUTES = (READ,)
