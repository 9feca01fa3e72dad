"""Examples of the OpenAPI document that name a table: written without its name, filled in later.

A route is made before the dictionary is read, so its examples stand for any table.
"""

from collections.abc import Mapping
from typing import Any

TABLE = "{table}"
"""The name of a table that refers to no other."""

KEY = "{key}"
"""The first field of that table's key."""

COLUMN = "{column}"
"""Another field of that table."""

LAST_TABLE = "{last_table}"
"""The name of the table that comes after all it refers to."""

FIELD = "{field}"
"""A field of that table which is not of its key."""

ROW: Mapping[str, Any] = {"{row}": None}
"""A row of that table."""

RAW: Mapping[str, Any] = {"{raw}": None}
"""A row of that table as a file holds it, without a value in FIELD."""

VIEW = "reporting.{view}"
"""The name of a reporting view."""
