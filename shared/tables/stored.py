"""The columns that every stored row has besides its fields, defined only here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Uuids
from shared.tables.column import StoredColumn, escape
from shared.tables.kinds.integer import Integer
from shared.tables.kinds.timestamp import Timestamp
from shared.tables.table import Table

ACCEPTED_AT = "accepted_at"
LOAD_ID = "load_id"
POSITION = "position"


class LoadId(StoredColumn):
    """The id of a load: a UUID in PostgreSQL, its text elsewhere."""

    description = "The load that wrote this version"

    postgres_type = "uuid"

    def sqlalchemy_type(self) -> Any:
        """Uuid."""
        return sa.Uuid()

    def copy_text(self, value: UUID | str) -> str:
        """Write the UUID; PostgreSQL checks a text from a restored file."""
        return escape(str(value))

    avro_type = "string"
    avro_sql = "cast({} as text)"
    avro_of_copy = staticmethod(str)
    to_avro = staticmethod(str)
    bulk = Uuids(error="A load_id of the file is not a UUID; correct it, or leave the field out.")

    def accepts_avro(self, declared: Any) -> bool:
        """Accept any string, whatever its logical type."""
        return (declared.get("type") if isinstance(declared, dict) else declared) == "string"

    bigquery_type = "STRING"
    postgres_canonical = "md5(cast({} as text))"
    bigquery_canonical = "to_hex(md5({}))"


COLUMNS: Mapping[str, StoredColumn] = {
    ACCEPTED_AT: Timestamp(description="When this version of the row was accepted"),
    LOAD_ID: LoadId(),
}
"""The columns by name, in the order in which they follow the fields."""

_NUMBERED: Mapping[str, StoredColumn] = {
    **COLUMNS,
    POSITION: Integer(description="Line in its file, or index in its batch"),
}

INDEXED = frozenset({LOAD_ID})
"""The columns on which PostgreSQL has an index."""


def values(accepted_at: datetime, load_id: UUID) -> dict[str, Any]:
    """Return the checked values of these columns for the rows of a load."""
    return {ACCEPTED_AT: accepted_at, LOAD_ID: load_id}


def own(table: Table) -> Mapping[str, StoredColumn]:
    """Return these columns of a table; an append-only one has the position of its rows, too."""
    return COLUMNS if table.key else _NUMBERED


def columns(table: Table) -> dict[str, StoredColumn]:
    """Return all columns of a table's stored rows: the fields, then its own."""
    return {**table.fields, **own(table)}


def key(table: Table) -> tuple[str, ...]:
    """Return the columns that identify a stored row: the key, or in an append-only table these."""
    return table.key or (LOAD_ID, POSITION)
