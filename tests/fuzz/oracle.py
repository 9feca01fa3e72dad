"""Compares the fast paths of validation with marshmallow, row by row."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.tables import Table, Timestamp
from shared.tables.kind import Cell
from shared.validation import reasons
from shared.validation.row import Reject, by_schema

_UNESCAPED = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
_SHAPE_CODES = {"too_few_fields", "too_many_fields", "bad_quoting", "row_too_long"}


def copied(table: Table, values: Sequence[Any]) -> list[str]:
    """The values of a row as COPY text."""
    fields = table.fields.values()
    return [field.copy_text(value) for field, value in zip(fields, values, strict=True)]


def check_staged(table: Table, cells: Sequence[str]) -> None:
    """Assert that the rules accept a row, given as cells in COPY's text format."""
    assert len(cells) == len(table.names), cells
    row = {name: Cell(_text(cell)) for name, cell in zip(table.names, cells, strict=True)}
    verdict = by_schema(table, _timestamps(table, row))
    assert not isinstance(verdict, tuple), (cells, verdict)


def check_rejected_cells(table: Table, reject: Reject) -> None:
    """Assert that the rules reject a row with the same errors, unless its shape was wrong."""
    assert reject.position >= 1
    codes = {error.code for error in reject.errors}
    if codes <= _SHAPE_CODES:
        assert [error.field for error in reject.errors] == [reasons.ROW]
        return
    assert isinstance(reject.raw, dict)
    row = {name: Cell(cell) for name, cell in reject.raw.items()}
    assert by_schema(table, row) == reject.errors


def normal(value: Any) -> Any:
    """A value as the rules return it: a timestamp in UTC, whether it was parsed already or not."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            return value
    return value


def _timestamps(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    # The rules parse what Python writes for a time in UTC, for years of four digits.
    return {
        name: Cell(cell.replace("+00:00", "Z")) if _is_timestamp(table, name) else cell
        for name, cell in row.items()
    }


def _is_timestamp(table: Table, name: str) -> bool:
    return isinstance(table.fields[name], Timestamp)


def _text(cell: str) -> str:
    found, place = [], 0
    while place < len(cell):
        pair = cell[place : place + 2]
        # PostgreSQL would read a backslash before any other character as something else.
        assert pair[0] != "\\" or pair in _UNESCAPED, cell
        found.append(_UNESCAPED.get(pair, pair[0]))
        place += 2 if pair in _UNESCAPED else 1
    return "".join(found)
