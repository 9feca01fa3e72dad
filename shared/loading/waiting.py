"""Loads rows that wait for a parent as soon as it has arrived.

They are validated again, since the dictionary may have changed: fields may have new names or
defaults. A row that no longer obeys the rules becomes a reject.

A load commits first and then looks for waiting rows, whether its rows are parents or children. If
two loads overlap, at least one sees what both have written, so that no row is left behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from shared import tables
from shared.database.copy import copy_in
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.loading import ledger
from shared.loading.ledger import Counts, Entry
from shared.loading.load import Merge, begin, merge_staged
from shared.loading.merge_sql import copy_staged, merge_sql
from shared.tables.table import Table
from shared.validation import json_batch

_SQL = Path(__file__).with_name("sql")


def release_after(
    engine: sa.Engine, entry: Entry, *, lock_timeout_seconds: int = 60
) -> Iterator[tuple[str, UUID]]:
    """Load the waiting rows that a finished load can release: of its table and its children.

    Yields:
        The table and load of the rows that were loaded, after each commit.
    """
    if entry.table_name is None or entry.state != "done":
        return
    table = tables.find(entry.table_name)
    # Look even if the ledger says that nothing waits and nothing was stored: this may be a second
    # delivery, and the first may have died after its commit.
    concerned = [one for one in (table, *tables.children(table)) if one.references]
    yield from _released(engine, concerned, lock_timeout_seconds)


def sweep(engine: sa.Engine, *, lock_timeout_seconds: int = 60) -> Iterator[tuple[str, UUID]]:
    """Load the waiting rows of all tables whose parents have arrived.

    Such rows remain if a call died before it released them: a replay or a restore is not delivered
    again.

    Yields:
        The table and load of the rows that were loaded, after each commit.
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
    """Load the waiting rows of `table` whose parents have arrived, load by load.

    Yields:
        The loads whose rows were stored, each after its commit.
    """
    with transaction(engine) as connection:
        found = connection.execute(sa.text(merge_sql(table, "releasable"))).all()
    for load in (Merge(*row) for row in found):
        if _release_load(engine, table, load, lock_timeout_seconds):
            yield load.load_id


def _release_load(engine: sa.Engine, table: Table, load: Merge, lock_timeout_seconds: int) -> bool:
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        begin(connection, table, load)
        freed, rejected = _restage(connection, table)
        if freed:
            counts = Counts(rejected=rejected)
            if freed > rejected:
                counts += merge_staged(connection, table, freed - rejected)
            # If a parent was deleted meanwhile, its rows are parked again.
            ledger.released(connection, load.load_id, freed - counts.waiting, counts)
    return bool(freed)


def _restage(connection: sa.Connection, table: Table) -> tuple[int, int]:
    """Stage the rows whose parents have arrived; return how many there are, and how many not."""
    freed = rejected = 0
    while found := connection.exec_driver_sql(merge_sql(table, "free")).all():
        for start in range(0, len(found), json_batch.MAX_ROWS):
            piece = found[start : start + json_batch.MAX_ROWS]
            freed += len(piece)
            rejected += _restage_piece(connection, table, piece)
    return freed, rejected


def _restage_piece(connection: sa.Connection, table: Table, waited: Sequence[sa.Row[Any]]) -> int:
    """Stage some rows; return how many are rejects now."""
    ids = [row.reject_id for row in waited]
    body = f'{{"rows":[{",".join(row.raw for row in waited)}]}}'.encode()
    verdict = json_batch.check(table, body, len(body))
    if verdict.rows:
        # Where the position identifies the row, it stays.
        positions = ids if table.key else [row.position for row in waited]
        staged = verdict.moved(positions).block(table).copied()
        copy_in(connection, copy_staged(table), (staged,))
    refused = [
        {"id": ids[reject.position], "errors": [error.as_json() for error in reject.errors]}
        for reject in verdict.rejects
    ]
    connection.execute(_released_rows(), {"ids": ids, "refused": json.dumps(refused)})
    return len(refused)


@cache
def _released_rows() -> sa.TextClause:
    return sa.text(statement(_SQL, "released_rows"))
