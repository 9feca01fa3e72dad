"""The columns that every stored row has besides its fields; defined nowhere else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Uuids
from shared.tables.column import StoredColumn, escape
from shared.tables.kinds.timestamp import Timestamp
from shared.tables.table import Table

ACCEPTED_AT = "accepted_at"
LOAD_ID = "load_id"


class LoadId(StoredColumn):
    """The id of a load: a UUID in PostgreSQL, its text elsewhere."""

    description = "The load that brought this version"

    postgres_type = "uuid"

    def sqlalchemy_type(self) -> Any:
        """Uuid."""
        return sa.Uuid()

    def copy_text(self, value: UUID | str) -> str:
        """The UUID; a text of a restored file is left to PostgreSQL."""
        return escape(str(value))

    avro_type = "string"
    avro_sql = "cast({} as text)"
    avro_of_copy = staticmethod(str)
    to_avro = staticmethod(str)
    bulk = Uuids(error="A load_id of the file is not a UUID; correct it, or leave the field out.")

    def accepts_avro(self, declared: Any) -> bool:
        """Any string, whatever it is said to mean."""
        return (declared.get("type") if isinstance(declared, dict) else declared) == "string"

    bigquery_type = "STRING"
    postgres_canonical = "md5(cast({} as text))"
    bigquery_canonical = "to_hex(md5({}))"


COLUMNS: Mapping[str, StoredColumn] = {
    ACCEPTED_AT: Timestamp(description="When this version of the row was accepted"),
    LOAD_ID: LoadId(),
}
"""These columns by name, in the order in which they follow the fields."""

INDEXED = frozenset({LOAD_ID})
"""Those of them that PostgreSQL has an index on."""


def values(accepted_at: datetime, load_id: UUID) -> dict[str, Any]:
    """The checked values of these columns for the rows that a load brings."""
    return {ACCEPTED_AT: accepted_at, LOAD_ID: load_id}


def columns(table: Table) -> dict[str, StoredColumn]:
    """All columns of a table's stored rows: the fields, then these."""
    return {**table.fields, **COLUMNS}
