"""Routes of rejected_rows."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.api.insert_rows import Counts
from shared.http.descriptions import Answer, Body, Parameter
from shared.http.routes import Route

STATUSES = ("rejected", "waiting", "replayed", "loaded", "discarded")
MAX_PAGE_ROWS = 1000
MAX_IDS = 1000
# In decimal digits; with a zero before them they would be a second name of the same reject.
ID_TEXT = "[1-9][0-9]{0,17}"

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class FieldFault(msgspec.Struct):
    """What is wrong with a field."""

    field: Annotated[str, Meta(description="`_row` for the row as a whole.")]
    code: Annotated[str, Meta(description="A stable word for the reason.")]
    message: str


class Reject(msgspec.Struct):
    """A row that was turned away, or waits for its parent."""

    reject_id: Id
    load_id: UUID
    source: Annotated[str, Meta(description="`gs://bucket/object#generation`, or a batch's id.")]
    sender: str | None
    table: str
    position: Annotated[int, Meta(description="Line in its file, or index in its batch.")]
    raw: Annotated[Any, Meta(description="The row as it came.")]
    errors: list[FieldFault]
    reason: Annotated[str, Meta(description="Code of the first error.")]
    status: Literal["rejected", "waiting", "replayed", "loaded", "discarded"]
    rejected_at: datetime


class RejectPage(msgspec.Struct):
    """A page of rejects, the newest first."""

    rows: list[Reject]
    next_cursor: Annotated[
        str | None, Meta(description="Send it as `cursor` for the next page; null on the last.")
    ]


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """Corrected rows, whole, by the id of the reject that each corrects."""

    rows: Annotated[
        dict[str, Any],
        Meta(
            min_length=1,
            max_length=MAX_IDS,
            extra_json_schema={"propertyNames": {"pattern": f"^{ID_TEXT}$"}},
        ),
    ]


class ReplayLoad(msgspec.Struct):
    """What became of the corrected rows of one table."""

    table: str
    load_id: UUID
    counts: Counts


class StillRejected(msgspec.Struct):
    """A corrected row that does not fit either; its reject stays open."""

    reject_id: int
    errors: dict[str, list[str]]


class NotOpen(msgspec.Struct):
    """A reject that nothing was done with."""

    reject_id: int
    status: Annotated[str | None, Meta(description="What it is now; null where there is none.")]


class Replayed(msgspec.Struct):
    """What became of corrected rows."""

    replayed: list[int]
    loads: list[ReplayLoad]
    rejected: list[StillRejected]
    not_open: list[NotOpen]


class Discard(msgspec.Struct, forbid_unknown_fields=True):
    """Rejects that nobody will correct."""

    ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_IDS)]


class Discarded(msgspec.Struct):
    """What became of them."""

    discarded: list[int]
    not_open: list[NotOpen]


_LOAD_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_SOURCE = "gs://tablegate-uploads/hired_employees.csv#1"
_ROW = {
    "id": 4,
    "name": "Ana Lee",
    "datetime": "2021-07-27T16:02:08Z",
    "department_id": 1,
    "job_id": 1,
}
_REJECT = Reject(
    reject_id=1,
    load_id=_LOAD_ID,
    source=_SOURCE,
    sender=None,
    table="hired_employees",
    position=17,
    raw={**{name: str(value) for name, value in _ROW.items()}, "name": ""},
    errors=[FieldFault("name", "missing", "A value is required; give one.")],
    reason="missing",
    status="rejected",
    rejected_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def _filter(name: str, description: str, example: Any = None, **schema: Any) -> Parameter:
    return Parameter(name, "query", description, {"type": "string", **schema}, example=example)


# PostgreSQL's text cannot hold a NUL character.
_NO_NUL = r"^[^\u0000]*$"
_SOURCE_FILTER = _filter(
    "source", "The file as `gs://bucket/object`, or a batch's id.", _SOURCE, pattern=_NO_NUL
)
_LOAD_FILTER = _filter("load_id", "The load they came with.", format="uuid")
_REASON_FILTER = _filter("reason", "Code of the first error.", "missing", pattern=_NO_NUL)

LIST = Route(
    "GET",
    "/",
    scope="rejects",
    summary="Look at rows that were turned away",
    description="Newest first. Filters add up.",
    parameters=(
        _filter("table", "The table they were meant for.", "hired_employees"),
        _SOURCE_FILTER,
        _filter("status", "What became of them.", "rejected", enum=list(STATUSES)),
        _LOAD_FILTER,
        _REASON_FILTER,
        Parameter(
            "limit",
            "query",
            "Rows a page.",
            {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_ROWS, "default": 100},
        ),
        _filter("cursor", "`next_cursor` of the page before.", pattern=f"^{ID_TEXT}$"),
    ),
    answers=(Answer(200, "A page.", RejectPage, RejectPage([_REJECT], None)),),
    problems={400: ("unusable-filter",), 404: ("unknown-table",)},
)

CORRECTIONS = Route(
    "GET",
    "/rejected_rows.csv",
    scope="rejects",
    summary="A file to correct and drop again",
    description="The rejected rows of one table as CSV: its fields, then `_line` and `_reasons`, "
    "which the gate passes over. Correct the cells and drop the file in the uploads bucket. A cell "
    "that a spreadsheet would take for a formula has an apostrophe before it; leave it there, the "
    "gate takes it away.",
    parameters=(
        Parameter("table", "query", "Whose rows.", required=True, example="hired_employees"),
        _SOURCE_FILTER,
        _LOAD_FILTER,
        _REASON_FILTER,
    ),
    answers=(Answer(200, "The file.", media_type="text/csv"),),
    problems={400: ("unusable-filter",), 404: ("unknown-table",)},
    at_root=True,
)

REPLAY = Route(
    "POST",
    "/replay",
    scope="rejects",
    summary="Send corrected rows through the gate again",
    description="Those that fit are stored at once, and their rejects marked `replayed`; those "
    "that still do not are answered with what is wrong, and stay.",
    body=Body("The corrected rows.", Replay, {"one row": {"rows": {"1": _ROW}}}),
    answers=(
        Answer(
            200,
            "What became of each row.",
            Replayed,
            Replayed(
                [1],
                [ReplayLoad("hired_employees", _LOAD_ID, Counts(1, 1, 0, 0, 0, 0, 0))],
                [],
                [],
            ),
        ),
    ),
)

DISCARD = Route(
    "POST",
    "/discard",
    scope="rejects",
    summary="Put rejects away that nobody will correct",
    body=Body("Their ids.", Discard, {"two rows": {"ids": [1, 2]}}),
    answers=(
        Answer(
            200,
            "What became of each.",
            Discarded,
            Discarded([1], [NotOpen(2, "replayed")]),
        ),
    ),
)

ROUTES = (LIST, CORRECTIONS, REPLAY, DISCARD)
