"""Dropping foreign keys while many rows change, and adding them back over all rows at once.

PostgreSQL checks a key row by row, and looks for the children of each parent that is deleted. What
the restore has checked itself by a join, PostgreSQL also checks by a join when the key is added
back. This happens in the same transaction: at every commit the key exists and is valid.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared import tables
from shared.database.sql import quoted, statement
from shared.tables.table import Table

# Measured: from here on the checks row by row take longer than anybody should wait for a lock.
_MANY_NEW, _MANY_GONE = 50_000, 100
_SQL = Path(__file__).with_name("sql")


@contextmanager
def without_foreign_keys(
    connection: sa.Connection, table: Table, counts: Mapping[str, int]
) -> Iterator[None]:
    """Drop, for the context, the foreign keys that would slow down so many changes.

    If there are any, the table, its parents and its children are locked exclusively until the
    transaction ends.
    """
    new = counts.get("inserted", 0) + counts.get("updated", 0)
    gone = counts.get("deleted", 0)
    found = [
        key
        for key in _keys(connection, table)
        if (key["is_own"] and new >= _MANY_NEW) or (key["leads_here"] and gone >= _MANY_GONE)
    ]
    if found:
        connection.exec_driver_sql(f"lock table {_family(table)} in access exclusive mode")
    for key in found:
        connection.exec_driver_sql(f"alter table {key['child']} drop constraint {_name(key)}")
    yield
    for key in found:
        connection.exec_driver_sql(
            f"alter table {key['child']} add constraint {_name(key)} {key['definition']}"
        )


def _keys(connection: sa.Connection, table: Table) -> list[Mapping[str, Any]]:
    text = sa.text(statement(_SQL, "constraints"))
    found = connection.execute(text, {"name": f"public.{quoted(table.name)}"})
    return [dict(row) for row in found.mappings()]


def _name(key: Mapping[str, Any]) -> str:
    return quoted(str(key["name"]))


def _family(table: Table) -> str:
    """The table, its parents and its children, in the order in which loads lock them too."""
    family = {reference.table for reference in table.references} | {table.name}
    family |= {child.name for child in tables.children(table)}
    return ", ".join(f"public.{quoted(name)}" for name in tables.all_tables() if name in family)
