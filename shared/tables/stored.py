"""The columns that every stored row has besides its fields; defined nowhere else."""

from collections.abc import Mapping
from typing import Any

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Uuids
from shared.tables.column import StoredColumn
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

    copy_text = staticmethod(str)

    avro_type = "string"
    avro_sql = "cast({} as text)"
    avro_of_copy = staticmethod(str)
    to_avro = staticmethod(str)
    bulk = Uuids(error="A load_id of the file is no UUID; leave the field out.")

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


def columns(table: Table) -> dict[str, StoredColumn]:
    """All columns of a table's stored rows: the fields, then these."""
    return {**table.fields, **COLUMNS}
