"""Batches of rows: publish one, and ask for its state."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from flask import Response
from msgspec import Meta

from shared import logs, tables, wiring
from shared.api import examples
from shared.errors import TablegateError
from shared.http import bodies
from shared.http.problems import Problem, RejectedRow
from shared.http.responses import json_response
from shared.http.routes import UNLIMITED, Body, Context, Parameter, ResponseSpec, Route
from shared.loading import batches, idempotency
from shared.loading.batches import Batch, BatchClaim
from shared.loading.idempotency import KeyReused, UnknownBatch
from shared.loading.ledger import Counts, Entry
from shared.tables.table import Table
from shared.validation import json_batch
from shared.validation.json_batch import BadBatch, Verdict
from shared.validation.row import FieldError

REJECTED_HEADER = "Tablegate-Rejected"
REPEATED_HEADER = "Idempotent-Replayed"
MAX_WAIT_SECONDS = 30

Count = Annotated[int, Meta(ge=0)]


class BatchAccepted(msgspec.Struct):
    """A batch that was published; its valid rows will be stored."""

    batch_id: Annotated[UUID, Meta(description="The id to ask for its state by.")]
    table: str
    accepted: Annotated[int, Meta(description="How many rows were accepted.", ge=0)]
    rejected_count: Annotated[int, Meta(description="How many were rejected.", ge=0)]
    rejected: list[RejectedRow]


class BatchState(msgspec.Struct, omit_defaults=True):
    """The state of a batch."""

    batch_id: UUID
    state: Annotated[
        Literal["pending", "stored", "failed"],
        Meta(description="`pending` until it is stored, or can never be."),
    ]
    table: str | None = None
    counts: Counts | None = None
    error: Annotated[
        dict[str, Any] | None, Meta(description="Why it can never be stored: code and detail.")
    ] = None


class BatchStored(msgspec.Struct, omit_defaults=True):
    """A batch that the caller waited for."""

    batch_id: UUID
    state: Literal["stored", "failed"]
    table: str
    accepted: Count
    rejected_count: Count
    rejected: list[RejectedRow]
    counts: Counts | None = None
    error: dict[str, Any] | None = None


def insert(context: Context) -> Response:
    """Validate the rows of a batch and publish it, unless it repeats one that is stored."""
    table = tables.find(context.params["table"])
    body = bodies.json_content(context.request)
    verdict = _verdict(table, body, wiring.settings().max_line_bytes)
    wait = bodies.wait_seconds(context.request, MAX_WAIT_SECONDS)
    claim = _claim(context, table, body)
    entry = idempotency.find_entry(wiring.engine(), claim.batch_id) if claim.repeated else None
    if entry is None:
        batch = Batch(claim.batch_id, table, context.sender, claim.accepted_at, verdict)
        batches.publish_batch(wiring.publisher(), wiring.settings(), batch, body)
    # From here on the batch will be stored, so no answer may ask the caller to send it again.
    if not verdict.rows:
        raise _no_row_accepted(claim, verdict)
    if wait and entry is None:
        entry = _awaited_entry(claim.batch_id, wait)
    if wait and entry is not None:
        return _stored(claim, table, verdict, entry, wait)
    return _accepted(claim, table, verdict, wait)


def state(context: Context) -> Response:
    """Answer with the state of a batch."""
    batch_id = context.params["batch_id"]
    try:
        entry = idempotency.find_own_entry(
            wiring.engine(), batch_id, context.sender, context.secret
        )
    except UnknownBatch as error:
        raise Problem(404, "unknown-batch", str(error)) from None
    if entry is None:
        found = BatchState(batch_id, "pending")
    elif entry.state == "done":
        found = BatchState(batch_id, "stored", entry.table_name, entry.counts)
    else:
        found = BatchState(batch_id, "failed", entry.table_name, error=_error(entry))
    return json_response(found)


def by_field(errors: tuple[FieldError, ...]) -> dict[str, list[str]]:
    """Return the errors of a row by field, as sentences."""
    found: dict[str, list[str]] = {}
    for error in errors:
        found.setdefault(error.field, []).append(error.sentence())
    return found


def _verdict(table: Table, body: bytes, max_row_bytes: int) -> Verdict:
    try:
        return json_batch.check(table, body, max_row_bytes)
    except BadBatch as error:
        members: dict[str, Any] = {"pointer": error.pointer} if error.pointer else {}
        raise Problem(400, error.code.replace("_", "-"), str(error), **members) from None


def _claim(context: Context, table: Table, body: bytes) -> BatchClaim:
    """Claim a batch; the database is asked only if the call has an idempotency key."""
    key = bodies.idempotency_key(context.request)
    if key is None:
        return batches.new_claim(context.secret)
    try:
        return idempotency.claim_key(wiring.engine(), context.sender, key, table, body)
    except KeyReused as error:
        raise Problem(422, "idempotency-key-reused", str(error)) from None


def _awaited_entry(batch_id: UUID, seconds: int) -> Entry | None:
    """Wait for the entry of a batch; None if the ledger does not show it within these seconds."""
    try:
        return idempotency.wait_for_entry(wiring.engine(), batch_id, seconds)
    except TablegateError as error:
        logs.line("WARNING", "A published batch cannot be waited for", error=str(error))
        return None


def _accepted(claim: BatchClaim, table: Table, verdict: Verdict, wait: int) -> Response:
    """Answer 202: the valid rows will be stored."""
    found = BatchAccepted(
        claim.batch_id, table.name, len(verdict.rows), len(verdict.rejects), _rejected(verdict)
    )
    location = f"/insert_rows/batches/{claim.batch_id}"
    headers = {**_headers(claim, verdict, wait), "Location": location}
    return json_response(found, 202, headers)


def _stored(claim: BatchClaim, table: Table, verdict: Verdict, entry: Entry, wait: int) -> Response:
    """Answer 200: the caller waited, and the valid rows are stored or can never be."""
    done = entry.state == "done"
    found = BatchStored(
        claim.batch_id,
        "stored" if done else "failed",
        table.name,
        len(verdict.rows),
        len(verdict.rejects),
        _rejected(verdict),
        entry.counts if done else None,
        _error(entry),
    )
    return json_response(found, 200, _headers(claim, verdict, wait))


def _no_row_accepted(claim: BatchClaim, verdict: Verdict) -> Problem:
    """Build problem 422: every row was rejected. The rejected rows are kept nevertheless."""
    return Problem(
        422,
        "no-row-accepted",
        "Every row was rejected; `rejected` says what is wrong with each. Correct them and send "
        "them again.",
        headers=_headers(claim, verdict),
        batch_id=claim.batch_id,
        accepted=0,
        rejected_count=len(verdict.rejects),
        rejected=_rejected(verdict),
    )


def _error(entry: Entry) -> dict[str, Any] | None:
    return dict(entry.error) if entry.error else None


def _rejected(verdict: Verdict) -> list[RejectedRow]:
    return [RejectedRow(reject.position, by_field(reject.errors)) for reject in verdict.rejects]


def _headers(claim: BatchClaim, verdict: Verdict, wait: int = 0) -> dict[str, str]:
    headers = {REJECTED_HEADER: str(len(verdict.rejects))}
    if claim.repeated:
        headers[REPEATED_HEADER] = "true"
    if wait:
        headers["Preference-Applied"] = f"wait={wait}"
    return headers


_BATCH_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_COUNTS = Counts(inserted=1, rejected=1)
_REJECTED = [RejectedRow(1, {examples.COLUMN: ["Must not be blank; give a text."]})]
_BATCH_HEADERS = {
    REJECTED_HEADER: "How many rows of the batch were rejected.",
    REPEATED_HEADER: "`true` if the same batch was sent before with this Idempotency-Key.",
}

INSERT = Route(
    "POST",
    "/<table>",
    insert,
    scope="rows",
    summary="Insert rows into {table}",
    description="Validates each row by the table's rules, publishes the valid ones as one batch "
    "and answers once Pub/Sub has it. Rejected rows are kept and can be corrected and replayed.",
    parameters=(
        Parameter(
            "Idempotency-Key",
            "header",
            "The same key with the same token and rows gives the same batch, stored once, however "
            "often it is sent.",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            example="import-2021-07-27-part-3",
        ),
        Parameter(
            "Prefer",
            "header",
            f"`wait=N`: answer once the rows are stored, or after N seconds ({MAX_WAIT_SECONDS} at "
            "most). Only then are missing parents and conflicts known.",
            example="wait=10",
        ),
    ),
    body=Body("1 to 1000 rows.", {"type": "object"}, max_bytes=UNLIMITED),
    responses=(
        ResponseSpec(
            202,
            "Accepted; the rows will be stored.",
            BatchAccepted,
            BatchAccepted(_BATCH_ID, examples.TABLE, 1, 1, _REJECTED),
            headers={**_BATCH_HEADERS, "Location": "Where to ask for the state of the batch."},
        ),
        ResponseSpec(
            200,
            "Stored, or failed, within the time of `Prefer: wait`.",
            BatchStored,
            BatchStored(_BATCH_ID, "stored", examples.TABLE, 1, 1, _REJECTED, _COUNTS),
            headers={**_BATCH_HEADERS, "Preference-Applied": "The wait that was applied."},
        ),
    ),
    problems={
        400: (
            *("not-json", "duplicate-key", "not-finite", "too-deep", "body-cut-off"),
            *("not-a-batch", "empty-batch", "too-many-rows", "bad-idempotency-key"),
        ),
        404: ("unknown-path", "unknown-table"),
        422: ("no-row-accepted", "idempotency-key-reused"),
    },
)

STATE = Route(
    "GET",
    "/batches/<uuid:batch_id>",
    state,
    scope="rows",
    summary="The state of a batch",
    parameters=(
        Parameter(
            "batch_id",
            "path",
            "The id from the response that accepted the batch.",
            {"type": "string", "format": "uuid"},
            example=str(_BATCH_ID),
        ),
    ),
    responses=(
        ResponseSpec(
            200,
            "Pending, stored with counts, or failed.",
            BatchState,
            BatchState(_BATCH_ID, "stored", examples.TABLE, _COUNTS),
        ),
    ),
    problems={404: ("unknown-batch",)},
)

ROUTES = {"insert_rows": (INSERT, STATE)}
