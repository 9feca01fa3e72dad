"""Rows in memory that are all new: straight into their table, without a staging table between.

One look tells whether they are: no key twice, none stored, every parent there. It also locks the
parents, as a foreign key's check does, so that they stay until the commit. Where the role may then
say so, the COPY runs without the checks of each row, which would only repeat that look, a row at a
time, and take most of a small load's time. Cloud SQL gives nobody that right; there they run.

What comes in between, a key that another load brings, is undone, and the ordinary way taken.

Source: PostgreSQL documentation, session_replication_role, and GRANT on parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.database.copy import copy_in
from shared.database.sql import quoted
from shared.lazy import sqlalchemy as sa
from shared.loading.attempt import attempt
from shared.loading.ledger import Source
from shared.tables.table import Table
from shared.validation.rows import Rows


@dataclass(frozen=True)
class Look:
    """What a table, and those it refers to, hold of some rows.

    Attributes:
        doubled: how many rows bring a key that another one of them brings.
        orphans: how many parents are missing.
        known: how many keys the table has.
        checked: whether nothing but these foreign keys would be asked about each row, and the role
            may leave them out.
    """

    doubled: int
    orphans: int
    known: int
    checked: bool

    @property
    def all_new(self) -> bool:
        """Whether the rows can go into the table as they are."""
        return not (self.doubled or self.orphans or self.known)


def fits(table: Table) -> bool:
    """Whether rows of this table can be looked at before: one key field, no parent in the table."""
    return len(table.key) == 1 and all(r.table != table.name for r in table.references)


def look(connection: sa.Connection, table: Table, rows: Rows) -> Look:
    """Compare rows with what is stored, and lock their parents, in order, until the commit."""
    keys = set(rows.columns[_place(table, table.key[0])])
    parents = [set(rows.columns[_place(table, r.field)]) for r in table.references]
    given = {"keys": _array(keys), **{f"p{n}": _array(p) for n, p in enumerate(parents)}}
    found = connection.execute(_look(table), given).one()
    there = found[2:]
    missing = sum(len(wanted) - had for wanted, had in zip(parents, there, strict=True))
    return Look(len(rows.positions) - len(keys), missing, found[0], found[1])


def write(
    connection: sa.Connection, table: Table, source: Source, rows: Rows, *, checked: bool
) -> int | None:
    """Copy rows into `table`.

    Args:
        connection: inside the load's transaction.
        table: where to; `look` has found them all new.
        source: what brings the rows.
        rows: the rows.
        checked: whether the foreign keys need not be checked again.

    Returns:
        How many rows there were, or None where a key came in meanwhile: then nothing was written.
    """
    tail = f"{source.accepted_at.isoformat()}\t{source.load_id}"
    # In the order of the keys, as every load comes by them: two that cross wait, and do not lock.
    text = rows.in_order_of(_place(table, table.key[0]), tail).encode()

    def copy() -> int:
        if checked:
            connection.exec_driver_sql("set local session_replication_role = replica")
        copied = copy_in(connection, _copy(table), (text,))
        if checked:
            connection.exec_driver_sql("set local session_replication_role = origin")
        return copied

    return attempt(connection, copy)


@cache
def _look(table: Table) -> sa.TextClause:
    key = table.key[0]
    parents = "".join(
        f""", (
            select count(*) from (
                select from public.{quoted(r.table)}
                where {quoted(r.key)} = any(cast(:p{n} as {_kind(table, r.field)}[]))
                order by {quoted(r.key)}
                for key share
            ) p
        )"""
        for n, r in enumerate(table.references)
    )
    name = f"'public.{quoted(table.name)}'::regclass"
    # Triggers and foreign keys that an operator added are asked about each row as ever.
    return sa.text(f"""
        select
            (
                select count(*) from public.{quoted(table.name)}
                where {quoted(key)} = any(cast(:keys as {_kind(table, key)}[]))
            ),
            has_parameter_privilege('session_replication_role', 'set')
                and not exists (
                    select from pg_trigger where tgrelid = {name} and not tgisinternal
                )
                and {len(table.references)} = (
                    select count(*) from pg_constraint where conrelid = {name} and contype = 'f'
                )
            {parents}
    """)


@cache
def _copy(table: Table) -> str:
    columns = ", ".join(quoted(name) for name in table.names)
    return f"copy public.{quoted(table.name)} ({columns}, accepted_at, load_id) from stdin"


def _place(table: Table, field: str) -> int:
    return table.names.index(field)


def _kind(table: Table, field: str) -> str:
    return table.fields[field].postgres_type


def _array(values: Sequence[Any] | set[Any]) -> Any:
    """Values as the driver sends an array; it writes numbers one by one in Python."""
    if set(map(type, values)) == {int}:
        return f"{{{','.join(map(str, values))}}}"
    return list(values)
