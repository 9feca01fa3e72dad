"""Rejected rows: list them, correct and replay them, or discard them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any, get_args
from uuid import UUID

import msgspec
from flask import Request, Response
from msgspec import Meta

from shared import tables, wiring
from shared.api import examples
from shared.api.insert_rows import by_field
from shared.http import bodies, queries
from shared.http.problems import Problem
from shared.http.responses import json_response, streamed
from shared.http.routes import Body, Context, Parameter, ResponseSpec, Route
from shared.loading import reject_queue
from shared.loading.ledger import Counts
from shared.loading.reject_queue import FieldFault, Filters, Id, Outcome, Reject, Status
from shared.validation import corrections
from shared.validation.storable import MAX_ROW_BYTES

MAX_PAGE_ROWS = 1000
MAX_IDS = 1000

_STATUSES = get_args(Status)
_DEFAULT_PAGE_ROWS = 100
_LARGEST = 2**63 - 1
# No leading zero: an id with one would be a second name for the same reject.
_ID_TEXT = "[1-9][0-9]{0,17}"


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
            extra_json_schema={"propertyNames": {"pattern": f"^{_ID_TEXT}$"}},
        ),
    ]


class ReplayLoad(msgspec.Struct):
    """The load of the corrected rows of one table."""

    table: str
    load_id: UUID
    counts: Counts


class StillRejected(msgspec.Struct):
    """A corrected row that was rejected again; its reject stays open."""

    reject_id: int
    errors: dict[str, list[str]]


class NotOpen(msgspec.Struct):
    """A reject that is not open, and so was left unchanged."""

    reject_id: int
    status: Annotated[str | None, Meta(description="Its status; null if there is no such reject.")]


class Replayed(msgspec.Struct):
    """The results of a replay."""

    replayed: list[int]
    waiting: Annotated[
        list[int],
        Meta(description="Valid, but their parents are missing; they are loaded once these come."),
    ]
    loads: list[ReplayLoad]
    rejected: list[StillRejected]
    not_open: list[NotOpen]


class Discard(msgspec.Struct, forbid_unknown_fields=True):
    """Rejects to close without a correction."""

    ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_IDS)]


class Discarded(msgspec.Struct):
    """The results of a discard."""

    discarded: list[int]
    not_open: list[NotOpen]


def list_rejects(context: Context) -> Response:
    """List a page of rejects."""
    given = context.request.args
    limit = queries.whole_number(
        "limit", given.get("limit", str(_DEFAULT_PAGE_ROWS)), MAX_PAGE_ROWS
    )
    cursor = given.get("cursor")
    before = None if cursor is None else queries.whole_number("cursor", cursor, _LARGEST)
    page = reject_queue.page(wiring.engine(), _filters(context.request), limit, before)
    following = str(page.rejects[-1].reject_id) if page.is_followed else None
    return json_response(RejectPage(page.rejects, following))


def corrections_file(context: Context) -> Response:
    """Stream the open rejects of a table as a file to correct."""
    filters = _filters(context.request)
    if filters.table_name is None:
        raise Problem(400, "unusable-parameter", "Name the table: ?table=...", parameter="table")
    table = tables.find(filters.table_name)
    found = reject_queue.to_correct(wiring.engine(), filters)
    # Read before the response begins, so that an error can still become a problem.
    first = next(found, None)
    lines = corrections.lines(table, chain([first] if first else [], found))
    # The uploads bucket accepts a file of this name.
    headers = {"Content-Disposition": f'attachment; filename="{table.name}-corrected.csv"'}
    settings = wiring.settings()
    sent = streamed(context.request, lines, settings.stream_seconds, settings.call_seconds)
    return Response(sent, headers=headers, content_type="text/csv; charset=utf-8")


def replay(context: Context) -> Response:
    """Validate and store corrected rows."""
    corrected = _corrected(bodies.read(context.request, Replay))
    outcome = reject_queue.replay(
        wiring.engine(), wiring.publisher(), wiring.settings(), context.sender, corrected
    )
    loads = [
        ReplayLoad(entry.table_name or "", entry.load_id, entry.counts) for entry in outcome.entries
    ]
    refused = [StillRejected(i, by_field(errors)) for i, errors in outcome.refused.items()]
    return json_response(
        Replayed(
            sorted(outcome.closed), sorted(outcome.waiting), loads, refused, _not_open(outcome)
        )
    )


def discard(context: Context) -> Response:
    """Discard rejects."""
    ids = bodies.read(context.request, Discard).ids
    outcome = reject_queue.discard(wiring.engine(), ids)
    return json_response(Discarded(sorted(outcome.closed), _not_open(outcome)))


def _filters(request: Request) -> Filters:
    given = request.args
    status = queries.one_of("status", given.get("status"), _STATUSES)
    source, reason = (queries.without_nul(name, given.get(name)) for name in ("source", "reason"))
    return Filters(
        tables.find(given["table"]).name if "table" in given else None,
        source,
        status,
        queries.uuid("load_id", given["load_id"]) if "load_id" in given else None,
        reason,
    )


def _corrected(body: Replay) -> dict[int, Any]:
    if not all(re.fullmatch(_ID_TEXT, text) for text in body.rows):
        raise Problem(
            400,
            "invalid-body",
            "The keys of rows are reject_ids; see GET /rejected_rows.",
            pointer="/rows",
        )
    return {int(text): row for text, row in body.rows.items()}


def _not_open(outcome: Outcome) -> list[NotOpen]:
    return [NotOpen(reject_id, status) for reject_id, status in outcome.not_open.items()]


_LOAD_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_SOURCE = f"gs://tablegate-uploads/{examples.LAST_TABLE}.csv#1"
_REJECT = Reject(
    reject_id=1,
    load_id=_LOAD_ID,
    source=_SOURCE,
    sender=None,
    table=examples.LAST_TABLE,
    position=17,
    raw=dict(examples.RAW),
    errors=[FieldFault(examples.FIELD, "missing", "A value is required; give one.")],
    reason="missing",
    status="rejected",
    rejected_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def _filter(name: str, description: str, example: Any = None, **schema: Any) -> Parameter:
    return Parameter(name, "query", description, {"type": "string", **schema}, example=example)


_NO_NUL = r"^[^\u0000]*$"
_SOURCE_FILTER = _filter(
    "source", "The file as `gs://bucket/object`, or a batch's id.", _SOURCE, pattern=_NO_NUL
)
_LOAD_FILTER = _filter("load_id", "The load that rejected them.", format="uuid")
_REASON_FILTER = _filter("reason", "Code of the first error.", "missing", pattern=_NO_NUL)

LIST = Route(
    "GET",
    "/",
    list_rejects,
    scope="rejects",
    summary="List rejected rows",
    description="Newest first. A row must match every filter given. A page ends sooner than its "
    f"`limit` once its rows take {reject_queue.MAX_PAGE_BYTES >> 20} MiB. A row larger than "
    f"{MAX_ROW_BYTES >> 20} MiB, as JSON, is kept cut: `raw` is the beginning of its text, and its "
    "last error has the code `row_cut`; it can be discarded, but not replayed.",
    parameters=(
        _filter("table", "The table they were sent to.", examples.LAST_TABLE),
        _SOURCE_FILTER,
        _filter("status", "Their status.", "rejected", enum=list(_STATUSES)),
        _LOAD_FILTER,
        _REASON_FILTER,
        Parameter(
            "limit",
            "query",
            "Most rows on a page.",
            {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_PAGE_ROWS,
                "default": _DEFAULT_PAGE_ROWS,
            },
        ),
        _filter("cursor", "The `next_cursor` of the previous page.", pattern=f"^{_ID_TEXT}$"),
    ),
    responses=(ResponseSpec(200, "A page.", RejectPage, RejectPage([_REJECT], None)),),
    problems={400: ("unusable-parameter",), 404: ("unknown-table",)},
)

CORRECTIONS = Route(
    "GET",
    "/rejected_rows.csv",
    corrections_file,
    scope="rejects",
    summary="A file to correct and upload again",
    description="The rejected rows of one table as CSV: its fields, then `_line` and `_reasons`, "
    "which are ignored when the file is loaded. Correct the cells and drop the file in the uploads "
    "bucket. A cell that a spreadsheet would run as a formula starts with an apostrophe; leave "
    "it there, loading removes it. Rows that are kept cut are left out.",
    parameters=(
        Parameter(
            "table", "query", "The table of the rows.", required=True, example=examples.LAST_TABLE
        ),
        _SOURCE_FILTER,
        _LOAD_FILTER,
        _REASON_FILTER,
    ),
    responses=(ResponseSpec(200, "The file.", media_type="text/csv"),),
    problems={400: ("unusable-parameter",), 404: ("unknown-table",)},
    at_root=True,
)

REPLAY = Route(
    "POST",
    "/replay",
    replay,
    scope="rejects",
    summary="Replay corrected rows",
    description="Valid rows are stored at once, and their rejects marked `replayed`; the response "
    "says what is wrong with the others, and their rejects stay open under their ids. Of several "
    "calls with the same reject one stores a row; the others find it under `not_open`. The token "
    "needs the scope `rows` too.",
    more_scopes=("rows",),
    body=Body(
        "The corrected rows.", Replay, {"one row": {"rows": {"1": examples.ROW}}}, max_bytes=2 << 20
    ),
    responses=(
        ResponseSpec(
            200,
            "The result for each row.",
            Replayed,
            Replayed(
                [1], [], [ReplayLoad(examples.LAST_TABLE, _LOAD_ID, Counts(inserted=1))], [], []
            ),
        ),
    ),
)

DISCARD = Route(
    "POST",
    "/discard",
    discard,
    scope="rejects",
    summary="Discard rejected rows that will not be corrected",
    body=Body("Their ids.", Discard, {"two rows": {"ids": [1, 2]}}),
    responses=(
        ResponseSpec(
            200, "The result for each reject.", Discarded, Discarded([1], [NotOpen(2, "replayed")])
        ),
    ),
)

ROUTES = {"rejected_rows": (LIST, CORRECTIONS, REPLAY, DISCARD)}
