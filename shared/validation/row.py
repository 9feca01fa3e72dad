"""Validates one row by the rules of the dictionary, with marshmallow."""

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

from shared.tables.check import CompiledCheck
from shared.tables.kind import Cell
from shared.tables.refusal import Refusal
from shared.tables.table import Table
from shared.validation import reasons
from shared.validation.storable import KEPT_CHARACTERS, shortened, storable

MAX_UNKNOWN = 20
"""How many of a row's unknown fields are reported."""
CUT = "row_cut"
"""Code of the last error of a row that is kept cut."""


@dataclass(frozen=True)
class FieldError:
    """An error in one field of a row.

    Attributes:
        field: the field's name, or `reasons.ROW` for the row as a whole.
        code: an entry of the catalogue of reasons.
        facts: the values that its sentence needs.
    """

    field: str
    code: str
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the error in the form that rejected_rows stores."""
        return {"field": self.field, "code": self.code, "facts": dict(self.facts)}

    @cached_property
    def encoded(self) -> bytes:
        """`as_json` as JSON text, encoded once: many rows share an error."""
        return msgspec.json.encode(self.as_json())

    def sentence(self) -> str:
        """Build the sentence that people read."""
        return reasons.sentence(self.code, self.facts)


class Reject(msgspec.Struct, frozen=True, gc=False):
    """A rejected row.

    Attributes:
        position: its line in the file, or its index in the batch.
        raw: the row as received, as JSON values.
        errors: its errors, at least one.
    """

    position: int
    raw: Any
    errors: tuple[FieldError, ...]

    @property
    def reason(self) -> str:
        """The code of the first error, under which the row is counted."""
        return self.errors[0].code


def cut(position: int, text: str, errors: Sequence[FieldError]) -> Reject:
    """Make a reject that keeps the beginning of a row's text, and whose last error says so.

    It is one text, so that nothing takes what is left of an object for a row.
    """
    facts = {"kept": KEPT_CHARACTERS, "size": len(text)}
    return Reject(position, text[:KEPT_CHARACTERS], (*errors, FieldError(reasons.ROW, CUT, facts)))


def validate_row(table: Table, row: Any) -> dict[str, Any] | tuple[FieldError, ...]:
    """Validate a row: return its values as the platform stores them, or its errors.

    If the schema has no rules beyond its fields, the fields are validated one by one, without
    marshmallow's walk through the schema; the verdict is the same.

    Args:
        table: the table whose rules apply.
        row: an object as JSON decodes it, or a mapping of field names to `Cell`s.
    """
    plain = isinstance(row, dict) and row.keys() <= table.fields.keys()
    if not plain and isinstance(row, dict) and (table.earlier_names or table.removed):
        row = table.as_named_now(row)
        plain = row.keys() <= table.fields.keys()
    if not plain or table.has_rules_beyond_fields:
        return by_schema(table, row)
    return validate_fields(table, row, table.names)


def by_schema(table: Table, row: Any) -> dict[str, Any] | tuple[FieldError, ...]:
    """Validate a row like `validate_row`, by marshmallow's walk through the whole schema."""
    try:
        loaded: dict[str, Any] = table.checker.load(_few_unknown(table, row))
    except ValidationError as error:
        errors = tuple(_errors(table, error))
        wrong = {one.field for one in errors}
        valid: Any = error.valid_data or {}
        values = {name: value for name, value in valid.items() if name not in wrong}
        return (*errors, *check_errors(table, values))
    return tuple(check_errors(table, loaded)) or loaded


def _few_unknown(table: Table, row: Any) -> Any:
    """Drop the unknown fields that would not be reported: each costs an error object."""
    if not isinstance(row, dict) or len(row) <= MAX_UNKNOWN:
        return row
    reported = nsmallest(MAX_UNKNOWN, row.keys() - table.fields.keys())
    return {name: row[name] for name in (*table.names, *reported) if name in row}


def validate_fields(
    table: Table, row: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any] | tuple[FieldError, ...]:
    """Validate some of a row's fields, one by one: return their values or the row's errors.

    The checks that need no other fields are judged, too.
    """
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name in names:
        try:
            value = table.fields[name].deserialize(row.get(name, absent))
        except ValidationError as error:
            errors += [_error(name, refusal) for refusal in error.messages]
        else:
            values[name] = value
    errors += check_errors(table, values)
    return tuple(errors) or values


def check_errors(table: Table, values: Mapping[str, Any]) -> list[FieldError]:
    """Return the errors of the checks that a row violates, of those whose fields have values."""
    return [
        check_error(check)
        for check in table.compiled_checks
        if all(name in values for name in check.names)
        and check.violations([(values[name],) for name in check.names])
    ]


@lru_cache(maxsize=1024)
def check_error(check: CompiledCheck) -> FieldError:
    """Return the error of a row that violates a check."""
    return FieldError(reasons.ROW, "check_failed", {"sentence": check.message})


def validate_cells(
    table: Table, cells: Sequence[str], good: Sequence[str | None]
) -> list[Any] | tuple[FieldError, ...]:
    """Validate a CSV row: return its values in the order of the table's fields, or its errors.

    The verdict is that of `validate_row`. If the schema has no rules beyond its fields,
    marshmallow's walk through the schema is skipped.

    Args:
        table: the table the row belongs to.
        cells: the row.
        good: for each cell its value if it is known to be good, or None to have the rules decide.
    """
    if table.has_rules_beyond_fields:
        row = {n: _given(table, c) for n, c in zip(table.names, cells, strict=True)}
        verdict = validate_row(table, row)
        return verdict if isinstance(verdict, tuple) else [verdict[n] for n in table.names]
    values: list[Any] = list(good)
    checked: dict[str, Any] = {}
    errors: list[FieldError] = []
    for place, (name, known) in enumerate(zip(table.names, good, strict=True)):
        if known is not None:
            if name in table.checked_names:
                (checked[name],) = table.fields[name].checked_cells([cells[place]])
            continue
        validated = validate_cell(table, name, cells[place])
        if isinstance(validated, tuple):
            errors += validated
        else:
            values[place] = checked[name] = validated
    errors += check_errors(table, checked)
    return tuple(errors) or values


def validate_cell(table: Table, name: str, cell: str) -> Any:
    """Validate one cell: return its value, or a tuple of its errors."""
    return (_short_cell if len(cell) < _SHORT else _cell)(table, name, cell)


def _cell(table: Table, name: str, cell: str) -> Any:
    try:
        return table.fields[name].deserialize(_given(table, cell))
    except ValidationError as error:
        return tuple(_error(name, refusal) for refusal in error.messages)


def _given(table: Table, cell: str) -> Cell:
    return Cell("" if cell in table.missing else cell)


# An error in one row of a file usually occurs in many rows.
_SHORT = 64
_short_cell = lru_cache(maxsize=4096)(_cell)


def _errors(table: Table, error: ValidationError) -> Iterable[FieldError]:
    found: Mapping[str, list[Refusal]] = error.normalized_messages()  # type: ignore[no-untyped-call]
    # In the dictionary's order, so that a row's reason always comes from its first bad field.
    known = [name for name in table.names if name in found]
    for name in known + sorted(str(name) for name in found if name not in known):
        for refusal in found.get(name, ()):
            # The name of an unknown field is as untrusted as any value, and may be as long.
            yield _error(reasons.ROW if name == SCHEMA else shortened(storable(name)), refusal)


@lru_cache(maxsize=4096)
def _error(name: str, refusal: Refusal | str) -> FieldError:
    if isinstance(refusal, Refusal):
        return FieldError(name, refusal.code, dict(refusal.facts))
    # A table's validator writes its own sentence, which may quote the row.
    return FieldError(name, "rule_broken", {"sentence": storable(str(refusal))})
