"""Idempotency keys: recognises a batch that is sent again, and finds its ledger entry."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from shared import deadlines
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import PermanentError, TransientError
from shared.lazy import sqlalchemy as sa
from shared.loading import ledger
from shared.loading.batches import BatchClaim
from shared.loading.ledger import Entry
from shared.tables.table import Table

_SQL = Path(__file__).with_name("sql")
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.2


class KeyReused(PermanentError):
    """An idempotency key was sent before, with another body or for another table."""


def claim_key(engine: sa.Engine, sender: str, key: str, table: Table, body: bytes) -> BatchClaim:
    """Claim a batch with a key; the same sender, key and body give the same claim.

    Raises:
        KeyReused: the sender sent this key with another body.
        TransientError: try again.
    """
    batch_id = uuid5(NAMESPACE_URL, json.dumps(["tablegate", sender, key]))
    digest = hashlib.sha256(table.name.encode() + b"\0" + body).digest()
    with transaction(engine) as connection:
        values = {"batch_id": str(batch_id), "body_sha256": digest}
        entered = connection.execute(_text("claim_key"), values).first()
        if entered is not None:
            return BatchClaim(batch_id, entered.created_at)
        known = connection.execute(_text("recorded_key"), {"batch_id": str(batch_id)}).one()
    if bytes(known.body_sha256) != digest:
        raise KeyReused(
            "This Idempotency-Key was sent before with other rows; send these with a new key."
        )
    return BatchClaim(batch_id, known.created_at, repeated=True)


def find_entry(engine: sa.Engine, batch_id: UUID) -> Entry | None:
    """Find the entry of a batch in the ledger; None until it is stored.

    Raises:
        TransientError: try again.
    """
    with transaction(engine) as connection:
        return ledger.recorded(connection, str(batch_id))


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
