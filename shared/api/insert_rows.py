"""Routes of insert_rows."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.http.descriptions import Answer, Body, Parameter
from shared.http.routes import Route

REJECTED_HEADER = "Tablegate-Rejected"
MAX_WAIT_SECONDS = 30


class RejectedRow(msgspec.Struct):
    """A row of a batch that was turned away."""

    index: Annotated[int, Meta(description="Its place in the batch, from 0.", ge=0)]
    errors: Annotated[
        dict[str, list[str]],
        Meta(description="What is wrong, by field; `_row` for the row as a whole."),
    ]


class Counts(msgspec.Struct):
    """What became of the rows of a load; `read` is the sum of the others."""

    read: Annotated[int, Meta(ge=0)]
    inserted: Annotated[int, Meta(ge=0)]
    updated: Annotated[int, Meta(ge=0)]
    unchanged: Annotated[int, Meta(description="Stored already, word for word.", ge=0)]
    superseded: Annotated[int, Meta(description="Older than what is stored.", ge=0)]
    waiting: Annotated[int, Meta(description="Stored once their parent row is.", ge=0)]
    rejected: Annotated[int, Meta(ge=0)]


class BatchAccepted(msgspec.Struct):
    """A batch that was taken; its good rows will be stored."""

    batch_id: Annotated[UUID, Meta(description="What to ask for it by.")]
    table: str
    accepted: Annotated[int, Meta(description="How many rows were taken.", ge=0)]
    rejected_count: Annotated[int, Meta(description="How many were turned away.", ge=0)]
    rejected: list[RejectedRow]


class BatchState(msgspec.Struct, omit_defaults=True):
    """Where a batch stands."""

    batch_id: UUID
    state: Annotated[
        Literal["pending", "stored", "failed"],
        Meta(description="`pending` too for an id that was never given to anybody."),
    ]
    table: str | None = None
    counts: Counts | None = None
    error: Annotated[
        dict[str, Any] | None, Meta(description="Why it can never be stored: code and detail.")
    ] = None


class BatchStored(msgspec.Struct, omit_defaults=True):
    """A batch that was waited for."""

    batch_id: UUID
    state: Literal["stored", "failed"]
    table: str
    accepted: Annotated[int, Meta(ge=0)]
    rejected_count: Annotated[int, Meta(ge=0)]
    rejected: list[RejectedRow]
    counts: Counts | None = None
    error: dict[str, Any] | None = None


_BATCH_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_REJECTED = [RejectedRow(1, {"job": ["Must hold more than blanks; give a text."]})]
_HEADERS = {REJECTED_HEADER: "How many rows of the batch were turned away."}

INSERT = Route(
    "POST",
    "/<table>",
    scope="rows",
    summary="Insert rows into {table}",
    description="Judges each row by the table's rules, publishes the good ones as one batch and "
    "answers once Pub/Sub has it. What is turned away is kept and can be corrected and replayed.",
    parameters=(
        Parameter(
            "Idempotency-Key",
            "header",
            "The same key with the same token gives the same batch, stored once, however often it "
            "is sent.",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            example="import-2021-07-27-part-3",
        ),
        Parameter(
            "Prefer",
            "header",
            f"`wait=N`: answer when the rows are stored, after N seconds ({MAX_WAIT_SECONDS} at "
            "most) at the latest. Missing parents and conflicts are only known then.",
            example="wait=10",
        ),
    ),
    body=Body("1 to 1000 rows.", None),
    answers=(
        Answer(
            202,
            "Taken; the rows will be stored.",
            BatchAccepted,
            BatchAccepted(_BATCH_ID, "jobs", 1, 1, _REJECTED),
            headers={**_HEADERS, "Location": "Where to ask how the batch stands."},
        ),
        Answer(
            200,
            "Stored, or failed, within the time of `Prefer: wait`.",
            BatchStored,
            BatchStored(_BATCH_ID, "stored", "jobs", 1, 1, _REJECTED, Counts(2, 1, 0, 0, 0, 0, 1)),
            headers={**_HEADERS, "Preference-Applied": "The wait that was kept."},
        ),
    ),
    problems={
        400: (
            *("not-json", "duplicate-key", "not-finite", "too-deep", "body-cut-off"),
            *("not-a-batch", "empty-batch", "too-many-rows", "bad-idempotency-key"),
        ),
        404: ("unknown-table",),
        422: ("no-row-accepted", "idempotency-key-reused"),
    },
)

STATE = Route(
    "GET",
    "/batches/<uuid:batch_id>",
    scope="rows",
    summary="Where a batch stands",
    parameters=(
        Parameter(
            "batch_id",
            "path",
            "As the answer to the batch gave it.",
            {"type": "string", "format": "uuid"},
            example=str(_BATCH_ID),
        ),
    ),
    answers=(
        Answer(
            200,
            "Pending, stored with counts, or failed.",
            BatchState,
            BatchState(_BATCH_ID, "stored", "jobs", Counts(2, 1, 0, 0, 0, 0, 1)),
        ),
    ),
)

ROUTES = (INSERT, STATE)
