"""Reads the loads that are not synced to the warehouse yet, and marks those that are.

A load may change after it was read: rows of it that waited for a parent are released, and its
`synced_at` is reset. If it were marked as synced then, those rows would never be synced. So a load
is read with its xmin, the transaction that wrote this version of its row, and marked only if that
is still the same: every write changes it. A time would not work, since two writes can have the
same one, and a lock would have to be held for as long as BigQuery takes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
class PendingLoad:
    """A finished load, as read from the ledger.

    Attributes:
        load_id: its id.
        table_name: its table; None if a file's name matches no table.
        rewrites: whether it may have deleted rows, so that the whole table is synced again.
        changes: whether it changed any row, even if only the row's accepted_at.
        confirmed_at: the accepted_at of its unchanged rows; None if it has none, or if it repeats
            an earlier load, whose accepted_at they keep.
        finished_at: when it was finished.
        version: identifies this version of its entry in the ledger.
    """

    load_id: UUID
    table_name: str | None
    rewrites: bool
    changes: bool
    confirmed_at: datetime | None
    finished_at: datetime
    version: str


@dataclass(frozen=True)
class TableWork:
    """What a round does for one table.

    Attributes:
        projection: the table and its place in the warehouse.
        loads: the loads that changed it, at least one.
        whole: whether the whole table replaces the warehouse's table.
    """

    projection: Projection
    loads: tuple[PendingLoad, ...]
    whole: bool

    @property
    def as_of(self) -> datetime:
        """When the newest of the loads was finished."""
        return max(load.finished_at for load in self.loads)


def any_left(engine: sa.Engine) -> bool:
    """Return whether any load is pending."""
    with transaction(engine) as connection:
        return bool(connection.scalar(_text("any_pending")))


def read(connection: sa.Connection) -> list[PendingLoad]:
    """Read the pending loads, oldest first, at most MOST_LOADS."""
    return [
        PendingLoad(
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


def plan(loads: Sequence[PendingLoad], lost: Collection[str] = ()) -> list[TableWork]:
    """Plan the work for each table that the loads have changed, parents first.

    Args:
        loads: the pending loads.
        lost: tables of the dictionary whose rows the warehouse has lost.
    """
    found = []
    for projection in projections():
        name = projection.table.name
        mine = tuple(load for load in loads if load.changes and load.table_name == name)
        if mine:
            whole = name in lost or any(load.rewrites for load in mine)
            found.append(TableWork(projection, mine, whole))
    return found


def mark(engine: sa.Engine, loads: Sequence[PendingLoad]) -> int:
    """Mark loads as synced, except those whose entry has changed since they were read.

    Returns:
        How many were marked.
    """
    values = {
        "load_ids": [str(load.load_id) for load in loads],
        "versions": [load.version for load in loads],
    }
    with transaction(engine) as connection:
        return connection.execute(_text("mark_synced"), values).rowcount


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(SQL / "ledger", name))
