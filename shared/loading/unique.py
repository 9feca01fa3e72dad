"""Rejects rows that would break a unique constraint of their table.

What counts is the table after the load: a row may take values that another row of the load gives
up, in whatever order they come. Of several rows with the same values the first stays. A row that
will not be stored, because it is stored already or is too old, takes nothing.

Loads store their rows of such a table one after the other, so what is decided here still holds when
the rows are written. Restores have a lock of their own.
"""

from __future__ import annotations

from shared.lazy import sqlalchemy as sa
from shared.loading.merge_sql import merge_sql
from shared.tables.table import Table

# Each time finds the rows whose values would have been given up by a row that was rejected before.
_MOST_TIMES = 10


def lock(connection: sa.Connection, table: Table) -> None:
    """Make other loads wait before they store rows of the table, until the transaction ends.

    Without it, two loads could each wait for values that the other one has inserted. It is taken
    before the table is read, so that no load holds a lock on the table while it waits for this one.
    """
    if table.unique:
        _run(connection, table, "lock_unique")


def refuse(connection: sa.Connection, table: Table) -> int:
    """Reject the staged rows that would break a constraint; returns how many."""
    if not table.unique:
        return 0
    refused = _refuse_taken(connection, table)
    if unfit := _run(connection, table, "refuse_unfit"):
        refused += unfit + _refuse_taken(connection, table)
    return refused


def _refuse_taken(connection: sa.Connection, table: Table) -> int:
    refused = 0
    for _ in range(_MOST_TIMES):
        found = _run(connection, table, "refuse_taken")
        refused += found
        if not found:
            return refused
    # Rows depend on each other in a long chain. Rather than following it, let no row take values
    # that are given up.
    return refused + _run(connection, table, "refuse_takers")


def _run(connection: sa.Connection, table: Table, name: str) -> int:
    return connection.exec_driver_sql(merge_sql(table, name)).rowcount
