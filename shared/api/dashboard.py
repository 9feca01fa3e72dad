"""Routes of dashboard."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.api.insert_rows import Counts
from shared.http.descriptions import Answer, Parameter
from shared.http.routes import PUBLIC, Route

MAX_PAGE_LOADS = 200

Kind = Literal["file", "batch", "replay", "restore"]
Why = Annotated[
    dict[str, Any] | None, Meta(description="Why it can never be loaded: code and detail.")
]


class Load(msgspec.Struct):
    """A load as the ledger has it."""

    load_id: UUID
    source: Annotated[str, Meta(description="`gs://bucket/object#generation`, or a batch's id.")]
    kind: Kind
    sender: str | None
    table: Annotated[str | None, Meta(description="Null where the file's name fits no table.")]
    state: Literal["loading", "done", "failed"]
    counts: Counts
    repeats: Annotated[
        UUID | None, Meta(description="The load that brought the same bytes before.")
    ]
    error: Why
    accepted_at: Annotated[datetime, Meta(description="When the platform took the rows.")]
    finished_at: datetime | None
    synced_at: Annotated[
        datetime | None, Meta(description="When the warehouse had it; null until then.")
    ]


class LoadPage(msgspec.Struct):
    """A page of loads, the newest first."""

    rows: list[Load]
    next_cursor: Annotated[
        str | None, Meta(description="Send it as `cursor` for the next page; null on the last.")
    ]


class LoadState(msgspec.Struct):
    """Where a load stands."""

    load_id: UUID
    state: Annotated[
        Literal["pending", "done", "failed"],
        Meta(description="`pending` too for an id that was never given to anybody."),
    ]
    table: str | None = None
    counts: Counts | None = None
    error: Why = None


class ReasonCount(msgspec.Struct):
    """How many rows of a table are turned away, or wait, for one reason."""

    table: str
    status: Literal["rejected", "waiting"]
    reason: Annotated[str, Meta(description="Code of the first error.")]
    title: Annotated[str, Meta(description="The reason in words.")]
    rows: Annotated[int, Meta(ge=1)]


class Reasons(msgspec.Struct):
    """Why rows are turned away or wait, the most frequent first."""

    rows: list[ReasonCount]


class Uploaded(msgspec.Struct):
    """A file that lies in the uploads bucket now."""

    load_id: Annotated[UUID, Meta(description="What its load will be known by.")]
    source: str
    table: str
    size_bytes: int


_LOAD_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_COUNTS = Counts(3, 2, 0, 0, 0, 0, 1)
_LOAD = Load(
    _LOAD_ID,
    "gs://tablegate-uploads/jobs.csv#1",
    "file",
    None,
    "jobs",
    "done",
    _COUNTS,
    None,
    None,
    _MOMENT,
    _MOMENT,
    None,
)

PAGE = Route("GET", "/", scope=PUBLIC, documented=False)
ASSET = Route("GET", "/assets/<name>", scope=PUBLIC, documented=False)
TABLES = Route("GET", "/tables", scope=PUBLIC, documented=False)

LOADS = Route(
    "GET",
    "/loads",
    # Not `metrics`: senders, file names and what a failed file held are for those who mend data.
    scope="rejects",
    summary="Look at loads",
    parameters=(
        Parameter(
            "limit",
            "query",
            "Loads a page.",
            {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_LOADS, "default": 20},
        ),
        Parameter(
            "cursor",
            "query",
            "`next_cursor` of the page before.",
            {"type": "string", "pattern": "^[0-9]{1,16}-[0-9a-f]{32}$"},
        ),
    ),
    answers=(Answer(200, "A page.", LoadPage, LoadPage([_LOAD], None)),),
    problems={400: ("unusable-filter",)},
)

LOAD = Route(
    "GET",
    "/loads/<load_id>",
    # Whoever may send rows may follow what becomes of them; only counts are told.
    scope="rows",
    summary="Where a load stands",
    parameters=(
        Parameter(
            "load_id",
            "path",
            "As the answer to the upload gave it.",
            {"type": "string", "format": "uuid"},
            example=str(_LOAD_ID),
        ),
    ),
    answers=(
        Answer(
            200,
            "Pending, done with counts, or failed.",
            LoadState,
            LoadState(_LOAD_ID, "done", "jobs", _COUNTS),
        ),
    ),
    problems={400: ("unusable-filter",)},
)

REASONS = Route(
    "GET",
    "/reasons",
    scope="rejects",
    summary="Count open rejects by reason",
    answers=(
        Answer(
            200,
            "The counts.",
            Reasons,
            Reasons([ReasonCount("jobs", "rejected", "missing", "Value missing", 2)]),
        ),
    ),
)

# Its body is a file, and the document's bodies are JSON; programs drop files in the bucket itself.
UPLOAD = Route("POST", "/uploads/<table>", scope="rows", documented=False)

ROUTES = (PAGE, ASSET, TABLES, LOADS, LOAD, REASONS, UPLOAD)
