"""Describes the dictionary's tables as BigQuery columns."""

from dataclasses import dataclass

from shared.tables import stored
from shared.tables.table import Table


@dataclass(frozen=True)
class Column:
    """A required column: its name, GoogleSQL type and description."""

    name: str
    type: str
    description: str


def columns(table: Table) -> tuple[Column, ...]:
    """Return the columns of a stored row."""
    return tuple(
        Column(name, column.bigquery_type, column.description)
        for name, column in stored.columns(table).items()
    )
