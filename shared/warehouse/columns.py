"""Describes the dictionary's tables as BigQuery columns."""

from dataclasses import dataclass

from shared.tables import stored
from shared.tables.table import Table


@dataclass(frozen=True)
class Column:
    """A column: its name, GoogleSQL type and description, and whether it may be NULL."""

    name: str
    type: str
    description: str
    nullable: bool = False

    @property
    def mode(self) -> str:
        """Its mode in BigQuery's schemas."""
        return "NULLABLE" if self.nullable else "REQUIRED"


def columns(table: Table) -> tuple[Column, ...]:
    """Return the columns of a stored row."""
    return tuple(
        Column(name, column.bigquery_type, column.description, column.nullable)
        for name, column in stored.columns(table).items()
    )
