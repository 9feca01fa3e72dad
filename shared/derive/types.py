"""One table: each kind of field, in every system."""

from dataclasses import dataclass
from typing import Any

from shared.errors import ConfigurationError
from shared.tables.fields import Integer, Required, Text, Timestamp
from shared.tables.table import Table


@dataclass(frozen=True)
class Kind:
    """How one kind of field is called elsewhere.

    Attributes:
        postgres: column type in PostgreSQL.
        bigquery: column type in BigQuery's GoogleSQL.
        avro: type in an Avro schema.
    """

    postgres: str
    bigquery: str
    avro: Any


KINDS: dict[type[Required], Kind] = {
    Integer: Kind("bigint", "INT64", "long"),
    Text: Kind("text", "STRING", "string"),
    Timestamp: Kind(
        "timestamptz", "TIMESTAMP", {"type": "long", "logicalType": "timestamp-micros"}
    ),
}


def kind_of(table: Table, field: str) -> Kind:
    """The kind of a table's field.

    Raises:
        ConfigurationError: the field is of a class that this table does not know.
    """
    for ancestor in type(table.fields[field]).__mro__:
        if ancestor in KINDS:
            return KINDS[ancestor]
    raise ConfigurationError(
        f"Field {field!r} of table {table.name!r} is of no kind that shared/derive/types.py knows; "
        f"use one of {', '.join(kind.__name__ for kind in KINDS)}, or add its kind there."
    )
