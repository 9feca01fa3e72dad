"""Rows that wait for a parent: loaded as soon as it is there.

A load commits first and looks afterwards, whether it brought parents or children; of two loads that
cross, at least one sees what both have written, so no row is left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from shared import tables
from shared.database.engine import transaction
from shared.lazy import sqlalchemy as sa
from shared.loading import ledger
from shared.loading.ledger import Entry
from shared.loading.load import Merge, begin, merge_staged, staging
from shared.tables.table import Table


def release_after(
    engine: sa.Engine, entry: Entry, *, lock_timeout_seconds: int = 60
) -> Iterator[tuple[str, UUID]]:
    """Load the rows that a finished load lets go, or that its own look came too early for.

    Yields:
        Table and load of the rows that were loaded, each after its commit.
    """
    if entry.table_name is None or entry.state != "done":
        return
    table = tables.find(entry.table_name)
    # Looked at even where the ledger says that nothing waits or was stored: this may be a second
    # delivery, of a load whose first was cut off between its commit and its look.
    yield from _released(engine, [table, *tables.children(table)], lock_timeout_seconds)


def sweep(engine: sa.Engine, *, lock_timeout_seconds: int = 60) -> Iterator[tuple[str, UUID]]:
    """Load the rows of every table that wait without need.

    Whoever should have let them go was cut off, and nobody sends a replay or a restore again.

    Yields:
        Table and load of the rows that were loaded, each after its commit.
    """
    yield from _released(engine, list(tables.all_tables().values()), lock_timeout_seconds)


def _released(
    engine: sa.Engine, todo: list[Table], lock_timeout_seconds: int
) -> Iterator[tuple[str, UUID]]:
    while todo:
        child = todo.pop(0)
        for load_id in release(engine, child, lock_timeout_seconds=lock_timeout_seconds):
            yield child.name, load_id
            todo += [grandchild for grandchild in tables.children(child) if grandchild not in todo]


def release(engine: sa.Engine, table: Table, *, lock_timeout_seconds: int = 60) -> Iterator[UUID]:
    """Load the waiting rows of `table` whose parents are there, load by load.

    Yields:
        The loads whose rows were stored, each after its commit.
    """
    if not table.references:
        return
    with transaction(engine) as connection:
        found = connection.execute(sa.text(staging(table).releasable)).all()
    for load in (Merge(*row) for row in found):
        if _release_load(engine, table, load, lock_timeout_seconds):
            yield load.load_id


def _release_load(engine: sa.Engine, table: Table, load: Merge, lock_timeout_seconds: int) -> bool:
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        sql = begin(connection, table, load)
        freed = connection.exec_driver_sql(sql.restage).rowcount
        if freed:
            counts = merge_staged(connection, table, freed)
            # A parent that vanished in between has parked its rows again.
            counted = replace(counts, waiting=0)
            ledger.released(connection, load.load_id, freed - counts.waiting, counted)
    return bool(freed)
