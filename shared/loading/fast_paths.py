"""Two ways to load rows straight into their table. All other loads are staged and merged.

*Rows in memory that are all new.* One query, the precheck, finds out whether they are: no key is
repeated or stored, and every parent is stored. It also locks the parents until the commit, as the
check of a foreign key does. If the role may set session_replication_role, the COPY then runs
without those checks, which would repeat the precheck row by row and take most of the time of a
small load. Cloud SQL does not grant that right, so there the checks run.

*Large files for an empty table.* Most of what a row costs is the check of its foreign keys and the
upkeep of the indexes. So the constraints are dropped, the rows copied, and the constraints created
again over all rows at once. All of it happens in the load's transaction, which locks the table and
its parents: no other session ever sees the table without its constraints.

Both run in a savepoint. If a key turns out to be stored or repeated, or a parent missing, the
savepoint is rolled back, and the rows are staged and merged.

Source: PostgreSQL documentation, session_replication_role, and GRANT on parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from shared.database.copy import copy_in
from shared.database.metadata import metadata
from shared.database.sql import qualified, statement
from shared.lazy import pg8000
from shared.lazy import sqlalchemy as sa
from shared.loading import fast_path_sql
from shared.loading.ledger import Source
from shared.tables import stored
from shared.tables.table import Table
from shared.validation.rows import Rows

# Measured: a smaller file is staged and merged so fast that the lock is not worth it.
BULK_FROM_BYTES = 1 << 20

_SQL = Path(__file__).with_name("sql")
# unique_violation, foreign_key_violation, and a value that is too long for an index.
_CONFLICTS = ("23505", "23503", "54000")

Piece = tuple[tuple[str, ...], bytes]
"""Rows as COPY text, and the fields in the order in which it has them; without any, the table's."""

T = TypeVar("T")


@dataclass(frozen=True)
class Precheck:
    """How rows relate to the stored rows of their table and its parents.

    Attributes:
        repeated: how many rows repeat the key of an earlier row.
        orphans: how many references have no stored parent.
        known: how many of their keys are stored, or may be.
        may_skip_checks: whether the role may write without the checks that triggers make, and the
            table has none besides the references of the dictionary.
    """

    repeated: int
    orphans: int
    known: int
    may_skip_checks: bool

    @property
    def all_new(self) -> bool:
        """Whether the rows can be copied into the table."""
        return not (self.repeated or self.orphans or self.known)


def can_precheck(table: Table) -> bool:
    """Return whether the precheck covers this table.

    It takes a key of one field and references of one field each, none of them to the table itself.
    """
    refers_to_itself = any(reference.table == table.name for reference in table.references)
    has_long_reference = any(len(reference.fields) > 1 for reference in table.references)
    return len(table.key) == 1 and not refers_to_itself and not has_long_reference


def precheck(connection: sa.Connection, table: Table, rows: Rows) -> Precheck:
    """Compare rows with the stored ones; lock their parents, in order, until the commit."""
    keys = set(rows.columns[_position(table, table.key[0])])
    columns = [rows.columns[_position(table, r.fields[0])] for r in table.references]
    # NULL refers to nothing.
    parents = [set(column) - {None} for column in columns]
    values = {"keys": _array(keys), **{f"parents_{n}": _array(p) for n, p in enumerate(parents)}}
    known, may_skip_checks, *stored = connection.execute(_precheck(table), values).one()
    orphans = sum(len(wanted) - found for wanted, found in zip(parents, stored, strict=True))
    return Precheck(len(rows.positions) - len(keys), orphans, known, may_skip_checks)


def copy_new(
    connection: sa.Connection, table: Table, source: Source, rows: Rows, *, skip_checks: bool
) -> int | None:
    """Copy rows that the precheck has found to be all new.

    Args:
        connection: inside the load's transaction.
        table: the table to copy into.
        source: the source of the rows.
        rows: the rows.
        skip_checks: whether to leave out the foreign key checks.

    Returns:
        The number of rows, or None if another load has stored one of the keys meanwhile; then
        nothing is written.
    """
    own = stored.values(source.accepted_at, source.load_id)
    tail = "\t".join(stored.COLUMNS[name].copy_text(value) for name, value in own.items())
    # All loads insert in the order of the keys, so that two of them wait and never deadlock.
    text = rows.in_order_of(_position(table, table.key[0]), tail).encode()

    def copy() -> int:
        with checks_skipped(connection, skip=skip_checks):
            return copy_in(connection, fast_path_sql.copy_new(table), (text,))

    return try_in_savepoint(connection, copy)


@contextmanager
def checks_skipped(connection: sa.Connection, *, skip: bool) -> Iterator[None]:
    """Write without checks of foreign keys, whose parents the transaction has locked.

    An error that is raised must end the transaction or its savepoint, which sets the role back.
    """
    if skip:
        connection.exec_driver_sql("set local session_replication_role = replica")
    yield
    if skip:
        connection.exec_driver_sql("set local session_replication_role = origin")


def can_bulk_load(connection: sa.Connection, table: Table, size_bytes: int) -> bool:
    """Return whether a file of this size may be bulk loaded: only its table is empty.

    A table that refers to itself is its own parent, so it never qualifies.
    """
    # The rows of an append-only table need their positions.
    if size_bytes < BULK_FROM_BYTES or table.on_conflict != "update" or not table.key:
        return False
    return bool(connection.scalar(sa.text(fast_path_sql.can_bulk_load(table))))


def bulk_load(
    connection: sa.Connection,
    table: Table,
    load_id: UUID,
    accepted_at: datetime,
    pieces: Iterable[Piece],
) -> int | None:
    """Copy rows into an empty table whose constraints are created again afterwards.

    Args:
        connection: inside the load's transaction.
        table: the table to copy into; `can_bulk_load` was true.
        load_id: the load of the rows.
        accepted_at: when they were accepted.
        pieces: the rows, in large pieces.

    Returns:
        The number of rows, or None if a key is repeated or a parent missing; then everything since
        the call is rolled back.
    """

    def lock_and_copy() -> int | None:
        connection.exec_driver_sql(fast_path_sql.lock(table))
        if connection.exec_driver_sql(fast_path_sql.any_row(table)).first() is not None:
            return None
        return _copy_without_constraints(connection, table, load_id, accepted_at, pieces)

    return try_in_savepoint(connection, lock_and_copy)


def try_in_savepoint(connection: sa.Connection, act: Callable[[], T]) -> T | None:
    """Run `act` in a savepoint; roll back and return None if a key or a parent is in conflict.

    Args:
        connection: inside a transaction, which can continue either way.
        act: changes tables.
    """
    try:
        with connection.begin_nested():
            return act()
    # COPY calls the driver directly, so SQLAlchemy does not wrap its errors.
    except (sa.exc.DBAPIError, pg8000.exceptions.DatabaseError) as error:
        original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        facts = original.args[0] if original is not None and original.args else None
        if isinstance(facts, dict) and facts.get("C") in _CONFLICTS:
            return None
        raise


def _copy_without_constraints(
    connection: sa.Connection,
    table: Table,
    load_id: UUID,
    accepted_at: datetime,
    pieces: Iterable[Piece],
) -> int:
    target = metadata().tables[table.name]
    # As the database has them: those of another release differ from the dictionary's.
    text = sa.text(statement(_SQL, "constraints"))
    keys = connection.execute(text, {"name": qualified(table.name)}).all()
    for key in keys:
        connection.exec_driver_sql(fast_path_sql.drop_constraint(table, key.name))
    for index in target.indexes:
        connection.execute(sa.schema.DropIndex(index))
    connection.exec_driver_sql(fast_path_sql.set_defaults(table, load_id, accepted_at))
    copied = 0
    for columns, rows in pieces:
        copied += copy_in(connection, fast_path_sql.copy_fields(table, columns), (rows,))
    connection.exec_driver_sql(fast_path_sql.drop_defaults(table))
    # Sorting is most of the cost of an index, and happens in memory if it fits.
    connection.exec_driver_sql("set local maintenance_work_mem = '256MB'")
    for key in keys:
        connection.exec_driver_sql(fast_path_sql.add_constraint(table, key.name, key.definition))
    for index in target.indexes:
        connection.execute(sa.schema.CreateIndex(index))
    return copied


@cache
def _precheck(table: Table) -> sa.TextClause:
    return sa.text(fast_path_sql.precheck(table))


def _position(table: Table, field: str) -> int:
    return table.names.index(field)


def _array(values: Collection[Any]) -> Any:
    """Prepare values for the driver; it is slow with lists of numbers, so those become text."""
    if set(map(type, values)) == {int}:
        return f"{{{','.join(map(str, values))}}}"
    return list(values)
