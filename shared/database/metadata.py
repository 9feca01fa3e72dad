"""Builds SQLAlchemy metadata of the dictionary's tables in PostgreSQL."""

from __future__ import annotations

from functools import cache
from typing import Any

from shared import tables
from shared.lazy import sqlalchemy as sa
from shared.tables import stored
from shared.tables.table import Reference, Table


def metadata() -> sa.MetaData:
    """Return every table of the dictionary, with all columns of a stored row."""
    return _metadata(tuple(tables.all_tables().values()))


@cache
def _metadata(all_tables: tuple[Table, ...]) -> sa.MetaData:
    found = sa.MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ix": "%(table_name)s_%(column_0_name)s_idx",
        }
    )
    for table in all_tables:
        sa.Table(
            table.name,
            found,
            *_columns(table),
            sa.PrimaryKeyConstraint(*stored.key(table)),
            *map(_foreign_key, table.references),
            *map(_unique, table.unique),
        )
    return found


def _columns(table: Table) -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name,
            column.sqlalchemy_type(),
            nullable=column.nullable,
            # No sequence: the rows have their keys.
            autoincrement=False,
            index=name in stored.INDEXED or None,
        )
        for name, column in stored.columns(table).items()
    ]


def _foreign_key(reference: Reference) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        reference.fields, [f"{reference.table}.{key}" for key in reference.key]
    )


def _unique(fields: tuple[str, ...]) -> sa.UniqueConstraint:
    # Deferrable, so that it is checked at the end of a statement: within one, a row may take the
    # values that another gives up.
    return sa.UniqueConstraint(*fields, deferrable=True, initially="IMMEDIATE")
