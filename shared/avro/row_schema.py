"""The dictionary's tables as Avro schemas.

Source: Apache Avro 1.11 specification, "Schema Declaration" and "Logical Types".
"""

from typing import Any

from shared.tables import stored
from shared.tables.table import Table


def schema(table: Table) -> dict[str, Any]:
    """The Avro record of a stored row."""
    fields = [
        {"name": name, "type": column.avro_type, "doc": column.description}
        for name, column in table.fields.items()
    ]
    own = [{"name": name, "type": column.avro_type} for name, column in stored.COLUMNS.items()]
    return {
        "type": "record",
        "name": table.name,
        "namespace": "tablegate",
        "doc": table.description,
        "fields": [*fields, *own],
    }
