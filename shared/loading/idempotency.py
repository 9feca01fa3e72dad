"""Idempotency keys: recognises a batch that is sent again, and finds its ledger entry."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from shared import deadlines
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import PermanentError, TransientError
from shared.lazy import sqlalchemy as sa
from shared.loading import ledger
from shared.loading.batches import BatchClaim, is_issued
from shared.loading.ledger import Entry
from shared.tables.table import Table

_SQL = Path(__file__).with_name("sql")
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.2


class UnknownBatch(PermanentError):
    """A sender has sent no batch with this id."""


class KeyReused(PermanentError):
    """An idempotency key was sent before, with another body or for another table."""


def claim_key(engine: sa.Engine, sender: str, key: str, table: Table, body: bytes) -> BatchClaim:
    """Claim a batch with a key; the same sender, key and rows give the same claim.

    Raises:
        KeyReused: the sender sent this key with other rows.
        TransientError: try again.
    """
    batch_id = uuid5(NAMESPACE_URL, json.dumps(["tablegate", sender, key]))
    digest = _digest(table, _canonical(body))
    with transaction(engine) as connection:
        values = {"batch_id": str(batch_id), "sender": sender, "body_sha256": digest}
        entered = connection.execute(_text("claim_key"), values).first()
        if entered is not None:
            return BatchClaim(batch_id, entered.created_at)
        known = connection.execute(_text("recorded_key"), {"batch_id": str(batch_id)}).one()
    # Keys of before version 0002 have the digest of the body as it was sent.
    if bytes(known.body_sha256) not in (digest, _digest(table, body)):
        raise KeyReused(
            "This Idempotency-Key was sent before with other rows; send these with a new key."
        )
    return BatchClaim(batch_id, known.created_at, repeated=True)


def _canonical(body: bytes) -> bytes:
    """Return JSON without a choice of blanks, order of keys or escapes, if it can be decoded."""
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return body


def _digest(table: Table, body: bytes) -> bytes:
    return hashlib.sha256(table.name.encode() + b"\0" + body).digest()


def find_entry(engine: sa.Engine, batch_id: UUID) -> Entry | None:
    """Find the entry of a batch in the ledger; None until it is stored.

    Raises:
        TransientError: try again.
    """
    with transaction(engine) as connection:
        return ledger.recorded(connection, str(batch_id))


def find_own_entry(engine: sa.Engine, batch_id: UUID, sender: str, secret: str) -> Entry | None:
    """Find the entry of a sender's batch in the ledger; None until it is stored.

    Args:
        engine: the database.
        batch_id: the batch.
        sender: who asks.
        secret: what the batch's id was made with, if this sender's call has made it.

    Raises:
        UnknownBatch: the sender has sent no batch with this id.
        TransientError: try again.
    """
    with transaction(engine) as connection:
        entry = ledger.recorded(connection, str(batch_id))
        if entry is not None:
            is_own = entry.sender == sender
        else:
            is_own = is_issued(batch_id, secret) or _is_keyed(connection, batch_id, sender)
    if not is_own:
        raise UnknownBatch("You have sent no batch with this id; check the id and the token.")
    return entry


def _is_keyed(connection: sa.Connection, batch_id: UUID, sender: str) -> bool:
    """Return whether a sender has sent a batch with a key that gives this id."""
    known = connection.execute(_text("recorded_key"), {"batch_id": str(batch_id)}).first()
    return known is not None and known.sender in (sender, None)


def wait_for_entry(
    engine: sa.Engine, batch_id: UUID, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Entry | None:
    """Wait for the entry of a batch; None if it is not found within that many seconds.

    While the database is away or hangs, the entry may still appear.
    """
    with deadlines.within(seconds):
        until = time.monotonic() + seconds
        pause = _FIRST_PAUSE_SECONDS
        while (entry := _entry_if_available(engine, batch_id)) is None:
            left = until - time.monotonic()
            if left <= 0:
                break
            sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    return entry


def _entry_if_available(engine: sa.Engine, batch_id: UUID) -> Entry | None:
    try:
        return find_entry(engine, batch_id)
    except TransientError:
        return None


def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
