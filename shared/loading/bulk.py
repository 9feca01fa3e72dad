"""Large loads into an empty table: written straight into it, its constraints added back at the end.

Nearly all of what a row costs is the check of its foreign keys, one by one, and the upkeep of the
indexes. Here both are dropped, the rows copied, and both made anew over all rows at once, in the
load's transaction: at every commit they are there and valid, and nobody ever sees the table without
them, as the transaction holds it, and the tables it refers to, for itself.

A file that is not as it should be (a key twice, a parent missing) is undone to the savepoint and
takes the ordinary way.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from shared.database.copy import copy_in
from shared.database.metadata import metadata
from shared.database.sql import quoted
from shared.lazy import sqlalchemy as sa
from shared.loading.attempt import attempt
from shared.tables.table import Table

# Measured: below this the ordinary way is done before anybody could notice the lock.
FROM_BYTES = 1 << 20


def fits(connection: sa.Connection, table: Table, size_bytes: int) -> bool:
    """Whether a load of this size may be written straight into the table."""
    if size_bytes < FROM_BYTES or table.on_conflict != "update" or _refers_to_itself(table):
        return False
    parents = {reference.table for reference in table.references}
    there = [f"exists (select from public.{quoted(name)})" for name in sorted(parents)]
    empty = f"not exists (select from public.{quoted(table.name)})"
    return bool(connection.scalar(sa.text(f"select {' and '.join([empty, *there])}")))


def write(
    connection: sa.Connection,
    table: Table,
    load_id: UUID,
    accepted_at: datetime,
    pieces: Iterable[bytes],
) -> int | None:
    """Copy rows into the empty `table`.

    Args:
        connection: inside the load's transaction.
        table: where to; `fits` has said yes.
        load_id: whose rows they are.
        accepted_at: when they were accepted.
        pieces: COPY text of the table's fields, in large pieces.

    Returns:
        How many rows there were, or None where a key stands twice or a parent is missing: then
        everything since the call is undone.
    """

    def taken_and_copied() -> int | None:
        if not _taken(connection, table):
            return None
        return _copy(connection, table, load_id, accepted_at, pieces)

    return attempt(connection, taken_and_copied)


def _taken(connection: sa.Connection, table: Table) -> bool:
    # In the dictionary's order, parents first, as every load comes by them.
    names = [*dict.fromkeys(reference.table for reference in table.references), table.name]
    locked = ", ".join(f"public.{quoted(name)}" for name in names)
    connection.exec_driver_sql(f"lock table {locked} in access exclusive mode")
    found = connection.exec_driver_sql(f"select 1 from public.{quoted(table.name)} limit 1")
    return found.first() is None


def _copy(
    connection: sa.Connection,
    table: Table,
    load_id: UUID,
    accepted_at: datetime,
    pieces: Iterable[bytes],
) -> int:
    target = metadata().tables[table.name]
    keys: list[sa.Constraint] = [*target.foreign_key_constraints]
    if not _is_referred_to(connection, table):
        keys.append(target.primary_key)
    for key in keys:
        connection.execute(sa.schema.DropConstraint(key))
    for index in target.indexes:
        connection.execute(sa.schema.DropIndex(index))
    name = f"public.{quoted(table.name)}"
    moment, number = accepted_at.isoformat(), str(load_id)
    connection.exec_driver_sql(
        f"alter table {name} alter accepted_at set default '{moment}', "
        f"alter load_id set default '{number}'"
    )
    columns = ", ".join(quoted(field) for field in table.names)
    copied = 0
    for piece in pieces:
        copied += copy_in(connection, f"copy {name} ({columns}) from stdin", (piece,))
    connection.exec_driver_sql(
        f"alter table {name} alter accepted_at drop default, alter load_id drop default"
    )
    # Sorted in memory where it fits, which is most of what an index costs.
    connection.exec_driver_sql("set local maintenance_work_mem = '256MB'")
    for key in reversed(keys):
        # Not isolated: the metadata would make the table without it from then on.
        connection.execute(sa.schema.AddConstraint(key, isolate_from_table=False))
    for index in target.indexes:
        connection.execute(sa.schema.CreateIndex(index))
    return copied


def _refers_to_itself(table: Table) -> bool:
    return any(reference.table == table.name for reference in table.references)


def _is_referred_to(connection: sa.Connection, table: Table) -> bool:
    return bool(
        connection.scalar(
            sa.text(
                "select exists (select from pg_constraint where contype = 'f'"
                " and confrelid = to_regclass(:name))"
            ),
            {"name": f"public.{quoted(table.name)}"},
        )
    )
