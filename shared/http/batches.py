"""Batches as callers see them: from a body to its verdict, from what became of it to an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response

from shared.api.insert_rows import (
    REJECTED_HEADER,
    BatchAccepted,
    BatchState,
    BatchStored,
    Counts,
    RejectedRow,
)
from shared.http.answers import json_answer
from shared.http.preferences import idempotency_key
from shared.http.problems import Problem
from shared.http.routes import Call
from shared.lazy import sqlalchemy as sa
from shared.loading import idempotency
from shared.loading.batches import BatchClaim, new_claim
from shared.tables.table import Table
from shared.validation import json_batch
from shared.validation.json_batch import BadBatch, Verdict
from shared.validation.row import FieldError

if TYPE_CHECKING:
    # Heavy, and a function's start must not wait for it.

    from shared.loading.ledger import Entry, LoadCounts


def judged(table: Table, body: bytes) -> Verdict:
    """The verdict on a body.

    Raises:
        Problem: 400, it is no batch; says where.
    """
    try:
        return json_batch.check(table, body)
    except BadBatch as error:
        members: dict[str, Any] = {"pointer": error.pointer} if error.pointer else {}
        raise Problem(400, error.code.replace("_", "-"), str(error), **members) from None


def claim(engine: Callable[[], sa.Engine], call: Call, table: Table, body: bytes) -> BatchClaim:
    """The claim of a batch; only one with an idempotency key is looked up in the database.

    Raises:
        Problem: 400, its key cannot be one; 422, the key came before with other rows.
        TransientError: try again.
    """
    key = idempotency_key(call.request)
    if key is None:
        return new_claim()
    try:
        return idempotency.claim_key(engine(), call.sender, key, table, body)
    except idempotency.KeyReused as error:
        raise Problem(422, "idempotency-key-reused", str(error)) from None


def entry_of(
    engine: Callable[[], sa.Engine], batch_id: UUID, within_seconds: int = 0
) -> Entry | None:
    """What the ledger has of a batch, if it has it by then.

    Raises:
        TransientError: try again.
    """
    return idempotency.wait_for_entry(engine(), batch_id, within_seconds)


def answer(
    batch_id: UUID, table: Table, verdict: Verdict, waited_seconds: int, entry: Entry | None
) -> Response:
    """202, the good rows will be stored; or 200, the caller waited and they are."""
    headers = _header(verdict)
    if waited_seconds:
        headers["Preference-Applied"] = f"wait={waited_seconds}"
    if waited_seconds and entry is not None:
        return json_answer(_stored(batch_id, table, verdict, entry), 200, headers)
    headers["Location"] = f"/insert_rows/batches/{batch_id}"
    taken = BatchAccepted(
        batch_id, table.name, len(verdict.rows), len(verdict.rejects), _rejected(verdict)
    )
    return json_answer(taken, 202, headers)


def none_accepted(batch_id: UUID, verdict: Verdict) -> Problem:
    """422: no row was good; they are kept all the same."""
    return Problem(
        422,
        "no-row-accepted",
        "No row fits the table; `rejected` says what is wrong with each. Correct them and send "
        "them again.",
        headers=_header(verdict),
        batch_id=batch_id,
        accepted=0,
        rejected_count=len(verdict.rejects),
        rejected=_rejected(verdict),
    )


def standing(batch_id: UUID, entry: Entry | None) -> Response:
    """Where a batch stands, by what the ledger has of it."""
    if entry is None:
        body = BatchState(batch_id, "pending")
    elif entry.state == "done":
        body = BatchState(batch_id, "stored", entry.table_name, counts_of(entry.counts))
    else:
        error = dict(entry.error) if entry.error else None
        body = BatchState(batch_id, "failed", entry.table_name, error=error)
    return json_answer(body)


def counts_of(counts: LoadCounts) -> Counts:
    """A load's counts as they are answered."""
    return Counts(read=counts.read, **asdict(counts))


def by_field(errors: tuple[FieldError, ...]) -> dict[str, list[str]]:
    """What is wrong with a row, by field, as a person reads it."""
    found: dict[str, list[str]] = {}
    for error in errors:
        found.setdefault(error.field, []).append(error.sentence())
    return found


def _stored(batch_id: UUID, table: Table, verdict: Verdict, entry: Entry) -> BatchStored:
    done = entry.state == "done"
    return BatchStored(
        batch_id,
        "stored" if done else "failed",
        table.name,
        len(verdict.rows),
        len(verdict.rejects),
        _rejected(verdict),
        counts_of(entry.counts) if done else None,
        dict(entry.error) if entry.error else None,
    )


def _rejected(verdict: Verdict) -> list[RejectedRow]:
    return [RejectedRow(reject.position, by_field(reject.errors)) for reject in verdict.rejects]


def _header(verdict: Verdict) -> dict[str, str]:
    return {REJECTED_HEADER: str(len(verdict.rejects))}
