"""Drops foreign keys while many rows change, and adds them back over all rows at once.

PostgreSQL checks a key row by row, and looks for the children of each deleted parent. The restore
has already checked all rows by a join, and PostgreSQL does the same when the key is added back. All
of it happens in one transaction: at every commit the key exists and is valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared import tables
from shared.database.sql import composed, qualified, quoted, statement
from shared.lazy import sqlalchemy as sa
from shared.tables.table import Table

# Measured: above this, checking row by row would hold the lock for too long.
_MANY_NEW, _MANY_GONE = 50_000, 100
_SQL = Path(__file__).with_name("sql")


@contextmanager
def without_foreign_keys(
    connection: sa.Connection, table: Table, counts: Mapping[str, int]
) -> Iterator[None]:
    """Drop the foreign keys for the context if they would slow down this many changes.

    If there are any, the table, its parents and its children are locked exclusively until the
    transaction ends.
    """
    new, gone = counts["inserted"] + counts["updated"], counts["deleted"]
    found = [
        key
        for key in _keys(connection, table)
        if (key["is_own"] and new >= _MANY_NEW) or (key["leads_here"] and gone >= _MANY_GONE)
    ]
    if found:
        connection.exec_driver_sql(lock_sql(table))
    for key in found:
        connection.exec_driver_sql(drop_key_sql(key))
    yield
    for key in found:
        connection.exec_driver_sql(add_key_sql(key))


def lock_sql(table: Table) -> str:
    """Lock the table, its parents and its children, in the order in which loads lock them too."""
    near = {reference.table for reference in table.references} | {table.name}
    near |= {child.name for child in tables.children(table)}
    return composed(
        "lock table {tables}\nin access exclusive mode",
        tables=", ".join(qualified(name) for name in tables.all_tables() if name in near),
    )


def drop_key_sql(key: Mapping[str, Any]) -> str:
    """Drop a foreign key, as `constraints` describes it."""
    return composed(
        "alter table {child}\ndrop constraint {name}",
        child=key["child"],
        name=quoted(key["name"]),
    )


def add_key_sql(key: Mapping[str, Any]) -> str:
    """Create a foreign key again, as `constraints` describes it."""
    return composed(
        "alter table {child}\nadd constraint {name} {definition}",
        child=key["child"],
        name=quoted(key["name"]),
        definition=key["definition"],
    )


def _keys(connection: sa.Connection, table: Table) -> list[Mapping[str, Any]]:
    text = sa.text(statement(_SQL, "constraints"))
    found = connection.execute(text, {"name": qualified(table.name)})
    return [dict(row) for row in found.mappings()]
