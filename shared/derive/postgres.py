"""The dictionary's tables in PostgreSQL, as SQLAlchemy metadata."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from shared import tables
from shared.derive.types import kind_of
from shared.lazy import postgresql
from shared.lazy import sqlalchemy as sa
from shared.tables.table import Table


def metadata() -> sa.MetaData:
    """Every table of the dictionary; beside its fields each row has accepted_at and load_id."""
    return _metadata(tuple(tables.all_tables().values()))


@cache
def _metadata(all_tables: tuple[Table, ...]) -> sa.MetaData:
    found = sa.MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "ix": "%(table_name)s_%(column_0_name)s_idx",
        }
    )
    for table in all_tables:
        sa.Table(table.name, found, *_columns(table), sa.PrimaryKeyConstraint(*table.key))
    return found


def _columns(table: Table) -> list[sa.Column[Any]]:
    references = {reference.field: reference for reference in table.references}
    columns: list[sa.Column[Any]] = []
    for name in table.names:
        reference = references.get(name)
        keys = [sa.ForeignKey(f"{reference.table}.{reference.key}")] if reference else []
        columns.append(
            # No sequence: keys come with the rows.
            sa.Column(name, _type(table, name), *keys, nullable=False, autoincrement=False)
        )
    columns.append(sa.Column("accepted_at", _utc_time(), nullable=False))
    columns.append(sa.Column("load_id", sa.Uuid, nullable=False, index=True))
    return columns


def _type(table: Table, field: str) -> sa.types.TypeEngine[Any]:
    types: dict[str, Callable[[], sa.types.TypeEngine[Any]]] = {
        "bigint": sa.BigInteger,
        "text": sa.Text,
        "timestamptz": _utc_time,
    }
    return types[kind_of(table, field).postgres]()


def _utc_time() -> sa.types.TypeEngine[Any]:
    return postgresql.TIMESTAMP(timezone=True)
