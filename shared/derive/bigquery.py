"""The dictionary's tables as BigQuery columns."""

from dataclasses import dataclass

from shared.derive.types import kind_of
from shared.tables.table import Table


@dataclass(frozen=True)
class Column:
    """A required column: its name, its GoogleSQL type and what it means."""

    name: str
    type: str
    description: str


def columns(table: Table) -> tuple[Column, ...]:
    """The columns of a stored row: the table's fields, then accepted_at and load_id."""
    return (
        *(
            Column(
                name,
                kind_of(table, name).bigquery,
                str(table.fields[name].metadata.get("description", "")),
            )
            for name in table.names
        ),
        Column("accepted_at", "TIMESTAMP", "When this version of the row was accepted"),
        Column("load_id", "STRING", "The load that brought this version"),
    )
