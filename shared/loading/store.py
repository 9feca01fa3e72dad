"""Stores published batches, and does the follow-up work of every load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared import logs
from shared.database.engine import transaction
from shared.lazy import sqlalchemy as sa
from shared.loading import ledger, waiting
from shared.loading.batches import Batch
from shared.loading.ledger import Entry, Source
from shared.loading.load import load
from shared.messages import attribute, publish, publish_change
from shared.settings import Settings
from shared.validation.storable import storable


@dataclass(frozen=True)
class DeadLetter:
    """A message that can never be stored, and why.

    Attributes:
        message_id: the id that Pub/Sub gave it.
        data: its content.
        attributes: its attributes.
        code: a stable word for what is wrong.
        detail: the same in a sentence, with the remedy.
    """

    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    code: str
    detail: str


def store(engine: sa.Engine, publisher: Any, settings: Settings, batch: Batch) -> Entry:
    """Store a batch once; a second delivery finishes what the first one did not.

    Raises:
        TransientError: deliver the message again.
    """
    timeout = settings.lock_timeout_seconds
    entry = load(engine, source_of(batch), lambda: [batch.block()], lock_timeout_seconds=timeout)
    announce(engine, publisher, settings, entry)
    return entry


def source_of(batch: Batch) -> Source:
    """Return the source that a batch's load claims."""
    return Source(
        identity=str(batch.batch_id),
        kind=batch.kind,
        table_name=batch.table.name,
        accepted_at=batch.accepted_at,
        sender=batch.sender or None,
        batch_id=batch.batch_id,
    )


def dead_letter(engine: sa.Engine, publisher: Any, settings: Settings, message: DeadLetter) -> None:
    """Record a message that can never be stored, and move it to the dead-letter topic.

    Raises:
        TransientError: deliver the message again.
    """
    identity = message.attributes.get("batch_id") or f"message:{message.message_id}"
    source = Source(
        identity=storable(identity[:200]),
        kind="batch",
        table_name=None,
        accepted_at=datetime.now(UTC),
        sender=storable(message.attributes.get("sender")),
    )
    with transaction(engine) as connection:
        detail = storable(message.detail)
        ledger.fail(connection, source, {"code": message.code, "detail": detail})
    logs.line(
        "ERROR",
        "A batch was moved to the dead-letter topic",
        source=source.identity,
        code=message.code,
    )
    publish(
        publisher,
        settings,
        settings.dead_letter_topic,
        message.data,
        **{**message.attributes, "error": attribute(message.detail), "code": message.code},
    )


def announce(engine: sa.Engine, publisher: Any, settings: Settings, entry: Entry) -> None:
    """After a load's commit, load the rows that waited for it and publish which tables changed.

    May be repeated. Failed loads are published too: the warehouse has the history of all loads.

    Raises:
        TransientError: call again.
    """
    changed = [(entry.table_name or "", entry.load_id)]
    changed += waiting.release_after(
        engine, entry, lock_timeout_seconds=settings.lock_timeout_seconds
    )
    for table_name, load_id in changed:
        publish_change(publisher, settings, table_name, load_id, "load")


def sweep(engine: sa.Engine, publisher: Any, settings: Settings) -> list[UUID]:
    """Load the waiting rows whose parents have arrived, and publish which tables changed.

    Returns:
        The loads that the rows belong to.

    Raises:
        TransientError: call again.
    """
    found = list(waiting.sweep(engine, lock_timeout_seconds=settings.lock_timeout_seconds))
    for table_name, load_id in found:
        publish_change(publisher, settings, table_name, load_id, "load")
    return [load_id for _, load_id in found]
