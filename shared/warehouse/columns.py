"""The dictionary's tables as BigQuery columns."""

from dataclasses import dataclass

from shared.tables import stored
from shared.tables.table import Table


@dataclass(frozen=True)
class Column:
    """A required column: its name, its GoogleSQL type and what it means."""

    name: str
    type: str
    description: str


def columns(table: Table) -> tuple[Column, ...]:
    """The columns of a stored row."""
    return tuple(
        Column(name, column.bigquery_type, column.description)
        for name, column in stored.columns(table).items()
    )
