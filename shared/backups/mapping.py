"""Where a table's columns come from in a file whose fields may be others than the table's.

Source: Apache Avro 1.11 specification, "Schema Resolution", "Aliases".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.avro.schemas import MICROS, Field, FileSchema
from shared.backups.errors import UnusableBackup
from shared.tables.kinds.timestamp import Timestamp
from shared.tables.table import Table

OWN_COLUMNS = ("accepted_at", "load_id")
"""What the platform stores of a row besides its fields."""


@dataclass(frozen=True)
class Mapped:
    """A column of the table that a field of the file becomes."""

    column: str
    field: Field


@dataclass(frozen=True)
class Defaulted:
    """A column of the table that the file does not have.

    Attributes:
        column: its name.
        value: the value of all rows; None if the restore gives one of its own.
    """

    column: str
    value: int | str | None


def resolve(
    schema: FileSchema, table: Table, aliases: Mapping[str, str]
) -> tuple[Mapped | Defaulted, ...]:
    """Find where each column of the table comes from.

    Fields that only the file has are ignored; fields that only the table has get their
    `load_default`.

    Args:
        schema: the file's schema.
        table: the table.
        aliases: by a field's name, another name that it may have in the file.

    Raises:
        AvroError: `wrong_schema`, the file's schema cannot be read by.
        UnusableBackup: `wrong_schema`, fields are missing or have another type; names them.
    """
    found = {field.name: field for field in schema.fields}
    columns: list[Mapped | Defaulted] = []
    missing, wrong = [], []
    for name in (*table.names, *OWN_COLUMNS):
        field = found.get(name) or found.get(aliases.get(name, ""))
        if field is not None:
            columns.append(Mapped(name, field))
            if not _fits(field, table, name):
                wrong.append(name)
        elif name in OWN_COLUMNS or not table.fields[name].required:
            columns.append(Defaulted(name, None if name in OWN_COLUMNS else _default(table, name)))
        else:
            missing.append(name)
    if missing or wrong:
        raise UnusableBackup(
            "wrong_schema",
            _misfit(table, missing, wrong, list(found)),
            missing=missing,
            wrong=wrong,
        )
    return tuple(columns)


def micros(moment: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (moment - Timestamp.epoch) // timedelta(microseconds=1)


def _misfit(table: Table, missing: Sequence[str], wrong: Sequence[str], has: Sequence[str]) -> str:
    words = [f"The file does not fit table {table.name!r}:"]
    if missing:
        words.append(f"it lacks {', '.join(missing)}")
    if missing and wrong:
        words.append("and")
    if wrong:
        kinds = ", ".join(f"{name} (wanted: {_wanted(table, name)})" for name in wrong)
        words.append(f"it has another type for {kinds}")
    return f"{' '.join(words)}. It has the fields {', '.join(has)[:500]}."


def _wanted(table: Table, column: str) -> Any:
    if column == "accepted_at":
        return MICROS
    return "string" if column == "load_id" else table.fields[column].avro_type


def _fits(field: Field, table: Table, column: str) -> bool:
    wanted = _wanted(table, column)
    if wanted == MICROS:
        # Timestamps of another precision, or as text, are converted value by value.
        return field.meaning in ("micros", "text") or _is_timestamp(field)
    if wanted == "long":
        return field.meaning == "integer"
    if wanted == "string":
        return field.meaning == "text"
    return field.meaning == "other" and field.schema == wanted


def _is_timestamp(field: Field) -> bool:
    branches = field.schema if isinstance(field.schema, list) else [field.schema]
    return any(
        isinstance(branch, dict) and branch.get("logicalType") == "timestamp-millis"
        for branch in branches
    )


def _default(table: Table, name: str) -> Any:
    field = table.fields[name]
    default = field.load_default() if callable(field.load_default) else field.load_default
    if isinstance(field, Timestamp) and isinstance(default, datetime):
        return micros(default)
    return default
