"""Routes of hires_by_quarter."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.http.descriptions import Answer, Parameter
from shared.http.routes import Route

YEAR = Parameter(
    "year",
    "query",
    "Which year, in UTC.",
    {"type": "integer", "minimum": 1900, "maximum": 2200, "default": 2021},
    example=2021,
)
IF_NONE_MATCH = Parameter(
    "If-None-Match",
    "header",
    "The `ETag` of an answer that the caller has.",
    example='"5f2b9c0e7d6a41c3a1b8e4f09d3c7a62"',
)
ETAG = {"ETag": "Another as soon as rows that are counted have changed."}
NOT_MODIFIED = Answer(
    304, "The caller's answer still holds; nothing was queried.", media_type="", headers=ETAG
)
AsOf = Annotated[
    datetime | None,
    Meta(description="When the newest load that is counted was finished; null before the first."),
]


class HiresOfPair(msgspec.Struct):
    """Hires of a year for one department and job."""

    department: str
    job: str
    q1: Annotated[int, Meta(ge=0)]
    q2: Annotated[int, Meta(ge=0)]
    q3: Annotated[int, Meta(ge=0)]
    q4: Annotated[int, Meta(ge=0)]


class HiresByQuarter(msgspec.Struct):
    """Hires of a year, by department and job in the order of their code points."""

    year: int
    as_of: AsOf
    rows: list[HiresOfPair]


_EXAMPLE = {
    "year": 2021,
    "as_of": "2026-01-02T03:04:05Z",
    "rows": [{"department": "Sales", "job": "Recruiter", "q1": 3, "q2": 0, "q3": 7, "q4": 11}],
}

READ = Route(
    "GET",
    "/",
    scope="metrics",
    summary="Hires by department, job and quarter",
    description="JSON, or CSV where `Accept` says `text/csv`.",
    parameters=(YEAR, IF_NONE_MATCH),
    answers=(
        Answer(200, "The hires.", HiresByQuarter, _EXAMPLE, headers=ETAG),
        Answer(200, "The hires.", media_type="text/csv"),
        NOT_MODIFIED,
    ),
    problems={400: ("unusable-year",), 406: ("not-acceptable",)},
)

ROUTES = (READ,)
