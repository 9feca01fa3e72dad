"""What the page must know of the platform to make its forms."""

from typing import Any

from shared import tables
from shared.settings import Settings
from shared.tables.fields import Integer, Required, Timestamp
from shared.tables.table import Table

_KINDS: dict[type[Required], str] = {Integer: "integer", Timestamp: "timestamp"}


def told(settings: Settings) -> dict[str, Any]:
    """The tables, parents before the tables that refer to them, and how large a file may be."""
    return {
        "tables": [_table(table) for table in tables.all_tables().values()],
        "max_upload_bytes": settings.max_upload_bytes,
    }


def _table(table: Table) -> dict[str, Any]:
    fields = [
        {"name": name, "kind": _kind(field), "description": field.metadata["description"]}
        for name, field in table.fields.items()
    ]
    return {"name": table.name, "description": table.description, "fields": fields}


def _kind(field: Required) -> str:
    return next((word for kind, word in _KINDS.items() if isinstance(field, kind)), "text")
