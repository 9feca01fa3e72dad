"""Maps the fields of a file to a table's columns.

Source: Apache Avro 1.11 specification, "Schema Resolution", "Aliases".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.avro.schemas import Field, FileSchema
from shared.backups.errors import UnusableBackup
from shared.tables import stored
from shared.tables.kind import Kind
from shared.tables.table import Table


@dataclass(frozen=True)
class Mapped:
    """A column of the table that is filled from a field of the file."""

    column: str
    field: Field


@dataclass(frozen=True)
class Defaulted:
    """A column of the table that the file does not have.

    Attributes:
        column: its name.
        value: the Avro value of all rows; None if the restore sets the value.
    """

    column: str
    value: Any


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
        AvroError: `wrong_schema`, the file's schema cannot be used.
        UnusableBackup: `wrong_schema`, fields are missing or have another type; the text names
            them.
    """
    found = {field.name: field for field in schema.fields}
    columns: list[Mapped | Defaulted] = []
    missing, wrong = [], []
    for name, column in stored.columns(table).items():
        field = found.get(name) or found.get(aliases.get(name, ""))
        if field is not None:
            columns.append(Mapped(name, field))
            if not any(map(column.accepts_avro, field.types)):
                wrong.append(name)
        elif name in stored.COLUMNS:
            columns.append(Defaulted(name, None))
        elif not table.fields[name].required:
            columns.append(Defaulted(name, _default(table.fields[name])))
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


def _misfit(table: Table, missing: Sequence[str], wrong: Sequence[str], has: Sequence[str]) -> str:
    words = [f"The file does not match table {table.name!r}:"]
    if missing:
        words.append(f"it lacks {', '.join(missing)}")
    if missing and wrong:
        words.append("and")
    if wrong:
        columns = stored.columns(table)
        kinds = ", ".join(f"{name} (wanted: {columns[name].avro_type})" for name in wrong)
        words.append(f"it has another type for {kinds}")
    return f"{' '.join(words)}. It has the fields {', '.join(has)[:500]}."


def _default(field: Kind) -> Any:
    default = field.load_default() if callable(field.load_default) else field.load_default
    return field.to_avro(default)
