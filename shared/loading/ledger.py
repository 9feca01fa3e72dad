"""The ledger of loads: what was sent, by whom, and with what result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Meta

from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.validation.storable import storable

_SQL = Path(__file__).with_name("sql")

Kind = Literal["file", "batch", "replay", "restore"]

OUTCOMES = ("inserted", "updated", "unchanged", "superseded", "waiting", "rejected")
"""The possible outcomes of a row; each is a column of the ledger."""


@dataclass(frozen=True)
class Source:
    """The source of a load's rows, which the load claims.

    Attributes:
        identity: a unique name: `gs://bucket/object#generation` of a file, else the batch's id.
        kind: how the rows were sent.
        table_name: the table of the rows; None if a file's name matches no table.
        accepted_at: when the rows were accepted: when a file was created or a batch published.
        sender: who sent them, or None.
        content: a text that identifies the bytes of a file, or None.
        newest: whether a file is accepted as of now even if the same bytes were loaded before.
        batch_id: the id of the load, if the batch has one.
        size_bytes: the size of a file as it is stored, else 0.
    """

    identity: str
    kind: Kind
    table_name: str | None
    accepted_at: datetime
    sender: str | None = None
    content: str | None = None
    newest: bool = False
    batch_id: UUID | None = None
    size_bytes: int = 0

    @property
    def load_id(self) -> UUID:
        """The id of the load: the same for every delivery of the source."""
        return self.batch_id or load_id_of(self.identity)


def load_id_of(identity: str) -> UUID:
    """The id of the load of a source that has no batch id."""
    return uuid5(NAMESPACE_URL, identity)


@dataclass(frozen=True, init=False)
class Counts:
    """The outcomes of the rows of a load; `read` is the sum of all but `deleted`."""

    read: Annotated[int, Meta(description="All rows that were read.", ge=0)] = field(init=False)
    inserted: Annotated[int, Meta(description="Stored under a key that was new.", ge=0)]
    updated: Annotated[int, Meta(description="Stored in place of an older version.", ge=0)]
    unchanged: Annotated[int, Meta(description="Already stored with the same values.", ge=0)]
    superseded: Annotated[int, Meta(description="Older than what is stored.", ge=0)]
    waiting: Annotated[int, Meta(description="Stored once their parent row is.", ge=0)]
    rejected: Annotated[int, Meta(description="Kept with the reasons, and not stored.", ge=0)]
    deleted: Annotated[int, Meta(description="Deleted by a restore.", ge=0)]

    def __init__(
        self,
        inserted: int = 0,
        updated: int = 0,
        unchanged: int = 0,
        superseded: int = 0,
        waiting: int = 0,
        rejected: int = 0,
        deleted: int = 0,
    ) -> None:
        parts = (inserted, updated, unchanged, superseded, waiting, rejected)
        vars(self).update(zip(OUTCOMES, parts, strict=True), read=sum(parts), deleted=deleted)

    def by_name(self) -> dict[str, int]:
        """The counts by the names of the ledger's columns, without `read`."""
        return {name: getattr(self, name) for name in (*OUTCOMES, "deleted")}

    def __add__(self, other: Counts) -> Counts:
        """Add the counts of both."""
        others = other.by_name()
        return Counts(**{name: count + others[name] for name, count in self.by_name().items()})


def counts_of(row: Mapping[str, Any]) -> Counts:
    """Read the counts in a row of the ledger."""
    return Counts(**{name: row[name] for name in (*OUTCOMES, "deleted")})


@dataclass(frozen=True)
class Entry:
    """A load's entry in the ledger.

    Attributes:
        load_id: its id.
        table_name: its table, or None.
        state: `done`, or `failed`; then `error` says why.
        counts: the outcomes of its rows so far.
        accepted_at: when its rows were accepted.
        error: the code, detail and facts of a failure.
        repeats: the earlier load of the same bytes, or None.
        first_time: whether this call loaded it, rather than an earlier one.
        sender: who sent its rows, or None.
    """

    load_id: UUID
    table_name: str | None
    state: Literal["done", "failed"]
    counts: Counts
    accepted_at: datetime
    error: Mapping[str, Any] | None = None
    repeats: UUID | None = None
    first_time: bool = False
    sender: str | None = None


def wait_for_same_content(connection: sa.Connection, source: Source) -> None:
    """Wait for a load of the same bytes into the same table that is running."""
    if source.content is not None:
        values = {"content": source.content, "table_name": source.table_name}
        _run(connection, "lock_content", values)


def claim(connection: sa.Connection, source: Source) -> tuple[UUID | None, datetime] | None:
    """Enter a load of `source` in the ledger; None if it was loaded, or failed, before.

    Waits for a load of the same source that is running.

    Returns:
        The earlier load of the same bytes (or None), and when the rows were accepted.
    """
    repeats, accepted_at = None, source.accepted_at
    if source.content is not None and not source.newest:
        same = {"content": source.content, "table_name": source.table_name}
        first = _run(connection, "same_content", same).first()
        if first is not None:
            repeats, accepted_at = first.load_id, min(first.accepted_at, accepted_at)
    entered = _run(
        connection,
        "claim",
        {
            "load_id": str(source.load_id),
            "source": source.identity,
            "kind": source.kind,
            "sender": source.sender,
            "content": source.content,
            "repeats": str(repeats) if repeats else None,
            "table_name": source.table_name,
            "accepted_at": accepted_at,
        },
    ).first()
    return (repeats, accepted_at) if entered is not None else None


def recorded(connection: sa.Connection, identity: str) -> Entry | None:
    """Return the entry of a source, or None."""
    row = _run(connection, "recorded", {"source": identity}).mappings().first()
    if row is None:
        return None
    return Entry(
        load_id=row["load_id"],
        table_name=row["table_name"],
        state=row["state"],
        counts=counts_of(dict(row)),
        accepted_at=row["accepted_at"],
        error=row["error"],
        repeats=row["repeats"],
        sender=row["sender"],
    )


def complete(connection: sa.Connection, load_id: UUID, counts: Counts) -> None:
    """Record the outcomes of a load's rows."""
    values = {"load_id": str(load_id), "rows_read": counts.read, **counts.by_name()}
    _run(connection, "complete", values)


def fail(connection: sa.Connection, source: Source, error: Mapping[str, Any]) -> None:
    """Record that `source` can never be loaded; an entry it already has is not changed."""
    _run(
        connection,
        "fail",
        {
            "load_id": str(source.load_id),
            "source": source.identity,
            "kind": source.kind,
            "sender": source.sender,
            "content": source.content,
            "table_name": source.table_name,
            # The error may quote text of a file, which PostgreSQL cannot always store.
            "error": json.dumps(storable(error)),
            "accepted_at": source.accepted_at,
        },
    )


def released(connection: sa.Connection, load_id: UUID, freed: int, counts: Counts) -> None:
    """Record the outcomes of `freed` rows of a load that had been waiting."""
    values = {"load_id": str(load_id), "freed": freed, **counts.by_name()}
    del values["waiting"]
    _run(connection, "released", values)


def _run(connection: sa.Connection, name: str, values: dict[str, Any]) -> sa.CursorResult[Any]:
    return connection.execute(_text(name), values)


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
