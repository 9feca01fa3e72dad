"""The dictionary's tables as Avro schemas.

Source: Apache Avro 1.11 specification, "Schema Declaration" and "Logical Types".
"""

from typing import Any

from shared.derive.types import kind_of
from shared.tables.table import Table

_OWN_FIELDS = (
    {"name": "accepted_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "load_id", "type": "string"},
)


def schema(table: Table) -> dict[str, Any]:
    """The Avro record of a stored row: the table's fields, then accepted_at and load_id."""
    return {
        "type": "record",
        "name": table.name,
        "namespace": "tablegate",
        "doc": table.description,
        "fields": [*(_field(table, name) for name in table.names), *_OWN_FIELDS],
    }


def _field(table: Table, name: str) -> dict[str, Any]:
    description = table.fields[name].metadata.get("description", "")
    return {"name": name, "type": kind_of(table, name).avro, "doc": description}
