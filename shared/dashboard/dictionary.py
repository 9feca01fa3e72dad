"""What the page must know of the platform to make its forms."""

from dataclasses import asdict
from typing import Any

from shared import tables
from shared.settings import Settings
from shared.tables.kind import Kind
from shared.tables.table import Table


def told(settings: Settings) -> dict[str, Any]:
    """The tables, parents before the tables that refer to them, and how large a file may be."""
    return {
        "tables": [_table(table) for table in tables.all_tables().values()],
        "max_upload_bytes": settings.max_upload_bytes,
    }


def _table(table: Table) -> dict[str, Any]:
    fields = [_field(name, field) for name, field in table.fields.items()]
    return {"name": table.name, "description": table.description, "fields": fields}


def _field(name: str, field: Kind) -> dict[str, Any]:
    return {
        "name": name,
        "kind": type(field).__name__.lower(),
        "description": field.description,
        "input": asdict(field.form_input),
    }
