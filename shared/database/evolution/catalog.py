"""Reads the dictionary's tables as PostgreSQL has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa

_SQL = Path(__file__).with_name("sql")
_END = "\\000"


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        type: its type, as `format_type` writes it.
        is_not_null: whether it refuses NULL.
        has_default: whether a row that does not name it gets a value.
    """

    type: str
    is_not_null: bool
    has_default: bool


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key: its columns, each with the parent's that it must equal."""

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True)
class Mirror:
    """A column that a trigger keeps equal to the one that it was renamed to.

    Attributes:
        function: the trigger's function.
        name: what the column is called.
        was: what it was called.
    """

    function: str
    name: str
    was: str


@dataclass
class StoredTable:
    """A table as it is in PostgreSQL."""

    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    key_name: str = ""
    references: list[ForeignKey] = field(default_factory=list)
    unique: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mirrors: list[Mirror] = field(default_factory=list)
    indexes: set[str] = field(default_factory=set)


def read(connection: sa.Connection, names: Collection[str]) -> dict[str, StoredTable]:
    """Read those of the tables that exist, by their names."""
    found: dict[str, StoredTable] = {}
    for row in _rows(connection, "columns", names):
        table = found.setdefault(row.table_name, StoredTable())
        table.columns[row.name] = Column(row.type, row.is_not_null, row.has_default)
    for row in _rows(connection, "constraints", names):
        table = found[row.table_name]
        if row.kind == "p":
            table.key, table.key_name = tuple(row.columns), row.name
        elif row.kind == "u":
            table.unique[row.name] = tuple(row.columns)
        else:
            key = ForeignKey(row.name, tuple(row.columns), row.parent, tuple(row.parent_columns))
            table.references.append(key)
    for row in _rows(connection, "mirrors", names):
        name, was = row.arguments.split(_END)[:2]
        found[row.table_name].mirrors.append(Mirror(row.function, name, was))
    for row in _rows(connection, "indexes", names):
        found[row.table_name].indexes.add(row.name)
    return found


def types(connection: sa.Connection, wanted: Iterable[str]) -> Mapping[str, str]:
    """Return each type as `format_type` writes it: `numeric(12, 2)` is `numeric(12,2)`."""
    listed = sorted(set(wanted))
    columns = ", ".join(f"type_{number} {kind}" for number, kind in enumerate(listed))
    connection.exec_driver_sql(f"create temporary table tablegate_types ({columns})")
    found = connection.exec_driver_sql(
        "select format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = 'pg_temp.tablegate_types'::regclass and attnum > 0 order by attnum"
    ).scalars()
    canonical = dict(zip(listed, found, strict=True))
    connection.exec_driver_sql("drop table pg_temp.tablegate_types")
    return canonical


def _rows(connection: sa.Connection, name: str, names: Collection[str]) -> Iterable[Any]:
    return connection.execute(sa.text(statement(_SQL, name)), {"names": list(names)})
