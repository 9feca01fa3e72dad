"""The verdict on one row: marshmallow's, by the dictionary's rules."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import nsmallest
from typing import Any

import msgspec
from marshmallow import ValidationError
from marshmallow import missing as absent
from marshmallow.exceptions import SCHEMA

from shared.tables.kind import Cell
from shared.tables.refusal import Refusal
from shared.tables.table import Table
from shared.validation import reasons

MAX_UNKNOWN = 20
"""How many of a row's unknown fields are told of."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a row.

    Attributes:
        field: the field's name, or `reasons.ROW` for the row as a whole.
        code: an entry of the catalogue of reasons.
        facts: what its sentence needs.
    """

    field: str
    code: str
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is kept in rejected_rows."""
        return {"field": self.field, "code": self.code, "facts": dict(self.facts)}

    @cached_property
    def encoded(self) -> bytes:
        """As JSON text; made once, as many rows share an error."""
        return msgspec.json.encode(self.as_json())

    def sentence(self) -> str:
        """As a person reads it."""
        return reasons.sentence(self.code, self.facts)


class Reject(msgspec.Struct, frozen=True, gc=False):
    """A row that was turned away.

    Attributes:
        position: where it was: the line in its file, or the index in its batch.
        raw: the row as it came, as JSON values.
        errors: what is wrong with it, at least one.
    """

    position: int
    raw: Any
    errors: tuple[FieldError, ...]

    @property
    def reason(self) -> str:
        """The code of the first error: what the row is counted under."""
        return self.errors[0].code


def judge(table: Table, row: Any) -> dict[str, Any] | tuple[FieldError, ...]:
    """The row's values as the platform holds them, or what is wrong with it.

    Where the schema says nothing beyond its fields they are asked one by one, without marshmallow's
    walk through the schema; the verdict is the same.

    Args:
        table: whose rules apply.
        row: an object as JSON decodes it, or a mapping of field names to `Cell`s.
    """
    plain = isinstance(row, dict) and row.keys() <= table.fields.keys()
    if not plain or table.has_rules_beyond_fields:
        return by_schema(table, row)
    return judge_fields(table, row, table.names)


def by_schema(table: Table, row: Any) -> dict[str, Any] | tuple[FieldError, ...]:
    """The same as `judge`, by marshmallow's own walk through the schema."""
    try:
        loaded: dict[str, Any] = table.checker.load(_few_unknown(table, row))
    except ValidationError as error:
        return tuple(_errors(table, error))
    return loaded


def _few_unknown(table: Table, row: Any) -> Any:
    """The row with no more unknown fields than are told: each costs an error of its own."""
    if not isinstance(row, dict) or len(row) <= len(table.fields) + MAX_UNKNOWN:
        return row
    unknown = nsmallest(MAX_UNKNOWN, row.keys() - table.fields.keys())
    return {name: row[name] for name in (*table.names, *unknown) if name in row}


def judge_fields(
    table: Table, row: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any] | tuple[FieldError, ...]:
    """The values of some of a row's fields, or what is wrong with them, asked one by one."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name in names:
        try:
            value = table.fields[name].deserialize(row.get(name, absent))
        except ValidationError as error:
            errors += [_error(name, refusal) for refusal in error.messages]
        else:
            if value is not absent:
                values[name] = value
    return tuple(errors) or values


def judge_cells(
    table: Table, cells: Sequence[str], good: Sequence[str | None]
) -> list[Any] | tuple[FieldError, ...]:
    """What a CSV row holds in the order of the table's fields, or what is wrong with it.

    The same verdict as `judge`, without marshmallow's walk through the schema where the schema
    says nothing beyond its fields.

    Args:
        table: whose row it is.
        cells: the row.
        good: for each cell its value where that is known to be good; None where the rules decide.
    """
    if table.has_rules_beyond_fields:
        verdict = judge(table, {n: Cell(c) for n, c in zip(table.names, cells, strict=True)})
        return verdict if isinstance(verdict, tuple) else [verdict[n] for n in table.names]
    values: list[Any] = list(good)
    errors: list[FieldError] = []
    for place, (name, known) in enumerate(zip(table.names, good, strict=True)):
        if known is not None:
            continue
        judged = judge_cell(table, name, cells[place])
        if isinstance(judged, tuple):
            errors += judged
        else:
            values[place] = judged
    return tuple(errors) or values


def judge_cell(table: Table, name: str, cell: str) -> Any:
    """The value of one cell, or a tuple of what is wrong with it."""
    return (_short_cell if len(cell) < _SHORT else _cell)(table, name, cell)


def _cell(table: Table, name: str, cell: str) -> Any:
    try:
        return table.fields[name].deserialize(Cell(cell))
    except ValidationError as error:
        return tuple(_error(name, refusal) for refusal in error.messages)


# What is wrong with one row of a file is mostly wrong with many.
_SHORT = 64
_short_cell = lru_cache(maxsize=4096)(_cell)


def _errors(table: Table, error: ValidationError) -> Iterable[FieldError]:
    found: Mapping[str, list[Refusal]] = error.normalized_messages()  # type: ignore[no-untyped-call]
    # In the dictionary's order, so that a row's reason is always that of its first bad field.
    known = [name for name in table.names if name in found]
    for name in known + sorted(str(name) for name in found if name not in known):
        for refusal in found.get(name, ()):
            # The name of an unknown field is as foreign as any value.
            yield _error(reasons.ROW if name == SCHEMA else storable(name), refusal)


@lru_cache(maxsize=4096)
def _error(name: str, refusal: Refusal | str) -> FieldError:
    if isinstance(refusal, Refusal):
        return FieldError(name, refusal.code, dict(refusal.facts))
    # A validator of the table's own says it in a sentence of its own, which may quote the row.
    return FieldError(name, "rule_broken", {"sentence": storable(str(refusal))})


def storable(value: Any) -> Any:
    """The value with what PostgreSQL's jsonb cannot hold made visible.

    NUL becomes U+2400 and half a surrogate pair U+FFFD.
    """
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return str(value)
        whole = value.encode("utf-8", "surrogatepass")
        return whole.decode("utf-8", "replace").replace("\x00", "\u2400")
    if isinstance(value, Mapping):
        return {storable(str(name)): storable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    return value
