"""Batches that are known again: by the key they came with, and by their id in the ledger."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import PermanentError
from shared.lazy import sqlalchemy as sa
from shared.loading import ledger
from shared.loading.taking import Ticket
from shared.tables.table import Table

_SQL = Path(__file__).with_name("sql")
_FIRST_NAP_SECONDS, _LONGEST_NAP_SECONDS = 0.005, 0.2


class KeyReused(PermanentError):
    """A key that was sent before, with another body or for another table."""


def ticket_for(engine: sa.Engine, sender: str, key: str, table: Table, body: bytes) -> Ticket:
    """For a batch with a key: the same as before where sender, key and body are.

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
            return Ticket(batch_id, entered.created_at)
        known = connection.execute(_text("recorded_key"), {"batch_id": str(batch_id)}).one()
    if bytes(known.body_sha256) != digest:
        raise KeyReused(
            "This Idempotency-Key was sent before with other rows; give these a key of their own."
        )
    return Ticket(batch_id, known.created_at, repeated=True)


def look_up(engine: sa.Engine, batch_id: UUID) -> ledger.Entry | None:
    """What the ledger has of a batch; None while it is on its way.

    Raises:
        TransientError: try again.
    """
    with transaction(engine) as connection:
        return ledger.recorded(connection, str(batch_id))


def wait_for(
    engine: sa.Engine, batch_id: UUID, seconds: float, nap: Callable[[float], None] = time.sleep
) -> ledger.Entry | None:
    """What the ledger has of a batch as soon as it has it; None after that many seconds.

    Raises:
        TransientError: the database is away.
    """
    until = time.monotonic() + seconds
    pause = _FIRST_NAP_SECONDS
    while (entry := look_up(engine, batch_id)) is None:
        left = until - time.monotonic()
        if left <= 0:
            break
        nap(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_NAP_SECONDS)
    return entry


def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
