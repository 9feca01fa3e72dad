"""The schema of a file, and how its fields become a table's.

Source: Apache Avro 1.11 specification, "Schema Resolution", "Aliases", "Logical Types",
"Parsing Canonical Form".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from shared.avro import bounds, row_schema
from shared.backups.errors import UnusableBackup
from shared.lazy import fastavro
from shared.tables.kinds.timestamp import Timestamp
from shared.tables.table import Table

OWN_COLUMNS = ("accepted_at", "load_id")
"""What the platform keeps of a row beside its fields."""

MICROS = {"type": "long", "logicalType": "timestamp-micros"}
Meaning = Literal["integer", "micros", "text", "other"]


@dataclass(frozen=True)
class Field:
    """A field of a file.

    Attributes:
        name: its name there.
        schema: its schema, as it is decoded: what is a number or text there comes as one.
        meaning: what its values are.
        nullable: whether they may be null.
    """

    name: str
    schema: Any
    meaning: Meaning
    nullable: bool

    @property
    def is_plain(self) -> bool:
        """Whether the bulk paths cover it."""
        return self.meaning != "other" and not self.nullable


@dataclass(frozen=True)
class FileSchema:
    """The schema of a file.

    Attributes:
        declared: as the file has it.
    """

    declared: Any

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Its fields.

        Raises:
            UnusableBackup: `wrong_schema`, it is none, or its rows are no records.
        """
        declared = self.declared
        if not isinstance(declared, dict) or declared.get("type") != "record":
            raise wrong_schema("The file does not hold records; a row must be one.")
        bounds.check_depth(declared)
        bounds.check(_parsed(declared))
        if not isinstance(declared.get("fields"), list):
            raise wrong_schema("The file's records have no fields; a row must have some.")
        return tuple(_field(field) for field in self.declared["fields"])

    @cached_property
    def is_plain(self) -> bool:
        """Whether the bulk paths cover it."""
        return bool(self.fields) and all(field.is_plain for field in self.fields)

    @cached_property
    def decoded(self) -> Any:
        """The schema to decode by, parsed."""
        fields = [
            {**given, "type": field.schema}
            for given, field in zip(self.declared["fields"], self.fields, strict=True)
        ]
        return _parsed({**self.declared, "fields": fields})

    @cached_property
    def by_field(self) -> dict[str, Any]:
        """The schema of each field, parsed."""
        return {
            field.name: fastavro.parse_schema(field.schema) if not field.is_plain else field.schema
            for field in self.fields
        }

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the schema's parsing canonical form, in hexadecimal."""
        canonical = fastavro.schema.to_parsing_canonical_form(self.declared)
        return str(fastavro.schema.fingerprint(canonical, "SHA-256"))


def of_table(table: Table) -> FileSchema:
    """The schema that a table's backups are written in."""
    return FileSchema(row_schema.schema(table))


def wrong_schema(sentence: str, **facts: Any) -> UnusableBackup:
    """The fault of a file whose schema does not fit."""
    return UnusableBackup("wrong_schema", sentence, **facts)


@dataclass(frozen=True)
class Taken:
    """A column of the table that a field of the file becomes."""

    column: str
    field: Field


@dataclass(frozen=True)
class Filled:
    """A column of the table that the file does not have, and what it is filled with.

    Attributes:
        column: its name.
        value: the value; None where it is the restore's own.
    """

    column: str
    value: int | str | None


def resolve(
    schema: FileSchema, table: Table, aliases: Mapping[str, str]
) -> tuple[Taken | Filled, ...]:
    """Where each column of the table comes from.

    Fields of the file that the table has not are left out, and fields of the table that the file
    has not get their `load_default`.

    Args:
        schema: the file's.
        table: whose columns are wanted.
        aliases: by a field's name another that it may have in the file.

    Raises:
        UnusableBackup: `wrong_schema`, saying which fields are missing or of another type.
    """
    found = {field.name: field for field in schema.fields}
    columns: list[Taken | Filled] = []
    missing, wrong = [], []
    for name in (*table.names, *OWN_COLUMNS):
        field = found.get(name) or found.get(aliases.get(name, ""))
        if field is not None:
            columns.append(Taken(name, field))
            if not _fits(field, table, name):
                wrong.append(name)
        elif name in OWN_COLUMNS or not table.fields[name].required:
            columns.append(Filled(name, None if name in OWN_COLUMNS else _default(table, name)))
        else:
            missing.append(name)
    if missing or wrong:
        raise wrong_schema(
            _misfit(table, missing, wrong, list(found)), missing=missing, wrong=wrong
        )
    return tuple(columns)


def _parsed(declared: Any) -> Any:
    try:
        return fastavro.parse_schema(declared)
    # A schema can be wrong in more ways than the library has errors of its own for.
    except Exception as error:
        raise wrong_schema("The file's schema is none that Avro knows.") from error


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


def _field(given: Mapping[str, Any]) -> Field:
    declared = given["type"]
    nullable = False
    if isinstance(declared, list) and "null" in declared and len(declared) == 2:
        nullable = True
        inner = next(branch for branch in declared if branch != "null")
        meaning, decoded = _meaning(inner)
        return Field(
            given["name"],
            ["null", decoded] if declared[0] == "null" else [decoded, "null"],
            meaning,
            nullable,
        )
    meaning, decoded = _meaning(declared)
    return Field(given["name"], decoded, meaning, nullable)


def _meaning(declared: Any) -> tuple[Meaning, Any]:
    plain = declared.get("type") if isinstance(declared, dict) else declared
    logical = declared.get("logicalType") if isinstance(declared, dict) else None
    if plain == "string":
        return "text", "string"
    if plain == "long" and logical == "timestamp-micros":
        return "micros", "long"
    if plain in ("int", "long") and logical is None:
        return "integer", plain
    return "other", bounds.without_decimals(declared)


def _fits(field: Field, table: Table, column: str) -> bool:
    wanted = _wanted(table, column)
    if wanted == MICROS:
        # A moment of another precision, or in words, is taken value by value.
        return field.meaning in ("micros", "text") or _is_moment(field)
    if wanted == "long":
        return field.meaning == "integer"
    if wanted == "string":
        return field.meaning == "text"
    return field.meaning == "other" and field.schema == wanted


def _is_moment(field: Field) -> bool:
    branches = field.schema if isinstance(field.schema, list) else [field.schema]
    return any(
        isinstance(branch, dict) and branch.get("logicalType") == "timestamp-millis"
        for branch in branches
    )


def _wanted(table: Table, column: str) -> Any:
    if column == "accepted_at":
        return MICROS
    return "string" if column == "load_id" else table.fields[column].avro_type


def _default(table: Table, name: str) -> Any:
    field = table.fields[name]
    default = field.load_default() if callable(field.load_default) else field.load_default
    if isinstance(field, Timestamp) and isinstance(default, datetime):
        return micros(default)
    return default


def micros(moment: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (moment - Timestamp.epoch) // timedelta(microseconds=1)
