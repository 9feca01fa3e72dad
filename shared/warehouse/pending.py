"""Which loads the warehouse has yet to see, and marking those it has.

A load may change after it was read: rows of it that waited for a parent are let go, and its
`synced_at` is set back. A mark that came after would hide them for ever. So an entry is read with
its xmin, the transaction that wrote this version of it, and marked only while that is the same:
any write by anyone gives it another. A time would not do, as two writes can bear the same one,
and a lock would have to be held for as long as BigQuery takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.warehouse.names import SQL
from shared.warehouse.star import Projection, projections

MOST_LOADS = 5000


@dataclass(frozen=True)
class Entry:
    """A finished load, as it was read.

    Attributes:
        load_id: which.
        table_name: the table it was for; None where no table could be told.
        rewrites: whether rows may have gone from the table, so that all of it is taken anew.
        changes: whether it changed any row, be it only the moment it counts from.
        confirmed_at: the moment that rows count from which it brought unchanged; None where it
            brought none, or the bytes of a load before, whose moment is older than theirs.
        finished_at: when it was finished.
        version: names this version of the entry.
    """

    load_id: UUID
    table_name: str | None
    rewrites: bool
    changes: bool
    confirmed_at: datetime | None
    finished_at: datetime
    version: str


@dataclass(frozen=True)
class Work:
    """What is to be done for one table.

    Attributes:
        projection: the table and its place in the warehouse.
        entries: the loads that ask for it, one at least.
        whole: whether all of the table is taken, in place of what the warehouse has.
    """

    projection: Projection
    entries: tuple[Entry, ...]
    whole: bool

    @property
    def as_of(self) -> datetime:
        """When the newest of the loads was finished."""
        return max(entry.finished_at for entry in self.entries)


def any_left(engine: sa.Engine) -> bool:
    """Whether there is a load that the warehouse has yet to see."""
    with transaction(engine) as connection:
        return bool(connection.scalar(_text("any_pending")))


def read(connection: sa.Connection) -> list[Entry]:
    """The loads that the warehouse has yet to see, oldest first, a bounded number."""
    return [
        Entry(
            load_id=row.load_id,
            table_name=row.table_name,
            rewrites=row.state == "done" and row.kind == "restore",
            changes=row.state == "done"
            and (row.changed > 0 or row.confirmed_at is not None or row.kind == "restore"),
            confirmed_at=row.confirmed_at,
            finished_at=row.finished_at,
            version=row.version,
        )
        for row in connection.execute(_text("pending"), {"most": MOST_LOADS})
    ]


def plan(entries: Sequence[Entry]) -> list[Work]:
    """What to do for each table that the loads have changed, parents first."""
    works = []
    for projection in projections():
        mine = tuple(e for e in entries if e.changes and e.table_name == projection.table.name)
        if mine:
            works.append(Work(projection, mine, any(entry.rewrites for entry in mine)))
    return works


def mark(engine: sa.Engine, entries: Sequence[Entry]) -> int:
    """Mark loads as seen by the warehouse, but for those written since they were read.

    Returns:
        How many were marked.
    """
    values = {
        "load_ids": [str(entry.load_id) for entry in entries],
        "versions": [entry.version for entry in entries],
    }
    with transaction(engine) as connection:
        return connection.execute(_text("mark_synced"), values).rowcount


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(SQL / "ledger", name))
