"""Maps the fields of a file to a table's columns.

Source: Apache Avro 1.11 specification, "Schema Resolution", "Aliases".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.avro.schemas import Field, FileSchema, named
from shared.backups.errors import UnusableBackup
from shared.tables import stored
from shared.tables.column import StoredColumn, avro_of
from shared.tables.table import Table

MICROSECONDS = {"type": "long", "logicalType": "timestamp-micros"}


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
        value: the Avro value of all rows; None if they have none, or the restore sets it.
    """

    column: str
    value: Any = None


def resolve(
    schema: FileSchema,
    table: Table,
    aliases: Mapping[str, str],
    *,
    has_microseconds: bool = False,
) -> tuple[Mapped | Defaulted, ...]:
    """Find where each column of the table comes from.

    Fields that only the file has are ignored; fields that only the table has get their
    default, or none if they are optional.

    Args:
        schema: the file's schema.
        table: the table.
        aliases: by a field's name, another name that it may have in the file, besides those that
            it had before.
        has_microseconds: whether the file's numbers without a logical type are microseconds since
            1970 where the table has a moment.

    Raises:
        AvroError: `wrong_schema`, the file's schema cannot be used.
        UnusableBackup: `wrong_schema`, fields are missing or have another type; the text names
            them.
    """
    fields = {field.name: field for field in schema.fields}
    found = {**_by_alias(schema), **fields}
    columns: list[Mapped | Defaulted] = []
    missing: list[str] = []
    wrong: dict[str, Field] = {}
    for name, column in stored.columns(table).items():
        known = (name, aliases.get(name, ""), *_former(table, name))
        field = next((found[one] for one in known if one in found), None)
        if field is not None:
            columns.append(Mapped(name, field))
            is_told = has_microseconds and _has_bare_longs(field)
            types = (*field.types, MICROSECONDS) if is_told else field.types
            if not any(map(column.accepts_avro, types)):
                wrong[name] = field
        elif name in stored.own(table):
            columns.append(Defaulted(name))
        elif not table.fields[name].required:
            columns.append(Defaulted(name, avro_of(column, table.fields[name].default)))
        else:
            missing.append(name)
    if missing or wrong:
        raise UnusableBackup(
            "wrong_schema",
            _misfit(table, missing, wrong, [field.name for field in schema.fields]),
            missing=missing,
            wrong=list(wrong),
        )
    return tuple(columns)


def may_lack_values(columns: Sequence[Mapped | Defaulted], table: Table) -> bool:
    """Return whether the file may have NULL where the table does not take it."""
    known = stored.columns(table)
    return any(
        isinstance(source, Mapped) and source.field.nullable and not known[source.column].nullable
        for source in columns
    )


def _former(table: Table, name: str) -> tuple[str, ...]:
    return table.fields[name].was if name in table.fields else ()


def _by_alias(schema: FileSchema) -> dict[str, Field]:
    """Return the fields by the names that the file says they also have."""
    declared = zip(schema.declared["fields"], schema.fields, strict=True)
    return {
        alias: field
        for given, field in declared
        for alias in given.get("aliases", ())
        if isinstance(alias, str)
    }


def _misfit(
    table: Table, missing: Sequence[str], wrong: Mapping[str, Field], has: Sequence[str]
) -> str:
    words = [f"The file does not match table {table.name!r}:"]
    if missing:
        words.append(f"it lacks {', '.join(missing)}")
    if missing and wrong:
        words.append("and")
    if wrong:
        columns = stored.columns(table)
        kinds = "; ".join(_differs(name, field, columns[name]) for name, field in wrong.items())
        words.append(f"it has another type for {kinds}")
    return f"{' '.join(words)}. It has the fields {', '.join(has)[:500]}."


def _differs(name: str, field: Field, column: StoredColumn) -> str:
    types = " or ".join(map(_words, field.types)) or "types that its values do not tell apart"
    advice = ""
    if column.accepts_avro(MICROSECONDS):
        if _has_bare_longs(field):
            advice = '; if they are microseconds since 1970, send "bare_longs": "microseconds"'
        elif any(str(named(one)[1]).startswith("local-") for one in field.types):
            advice = "; local times lack their time zone: convert them to UTC"
    return f"{name} (has {types}, taken are {column.avro_taken}{advice})"


def _has_bare_longs(field: Field) -> bool:
    return ("long", None) in map(named, field.types)


def _words(declared: Any) -> str:
    plain, logical = named(declared)
    return f"{plain} as {logical}"[:80] if logical else str(plain)[:80]
