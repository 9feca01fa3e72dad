"""What marshmallow says of rows, held against what the quick paths said."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.tables import Table, Timestamp
from shared.tables.kind import Cell
from shared.validation import reasons
from shared.validation.row import Reject, by_schema

_UNESCAPED = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
_OF_SHAPE = {"too_few_fields", "too_many_fields", "bad_quoting", "row_too_long"}


def check_staged(table: Table, cells: Sequence[str]) -> None:
    """The rules take the row that these cells of COPY text are."""
    assert len(cells) == len(table.names), cells
    row = {name: Cell(_text(cell)) for name, cell in zip(table.names, cells, strict=True)}
    verdict = by_schema(table, _moments(table, row))
    assert not isinstance(verdict, tuple), (cells, verdict)


def check_rejected_cells(table: Table, reject: Reject) -> None:
    """The rules turn the row away for the same errors, unless its shape was wrong already."""
    assert reject.position >= 1
    codes = {error.code for error in reject.errors}
    if codes <= _OF_SHAPE:
        assert [error.field for error in reject.errors] == [reasons.ROW]
        return
    assert isinstance(reject.raw, dict)
    row = {name: Cell(cell) for name, cell in reject.raw.items()}
    assert by_schema(table, row) == reject.errors


def normal(value: Any) -> Any:
    """A value as the rules would give it: a moment in UTC, whether it was read already or not."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            return value
    return value


def _moments(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    # What Python writes of a moment in UTC is what the rules read, for years of four digits.
    return {
        name: Cell(cell.replace("+00:00", "Z")) if _is_moment(table, name) else cell
        for name, cell in row.items()
    }


def _is_moment(table: Table, name: str) -> bool:
    return isinstance(table.fields[name], Timestamp)


def _text(cell: str) -> str:
    found, place = [], 0
    while place < len(cell):
        pair = cell[place : place + 2]
        # A backslash that escapes nothing would be read as something else.
        assert pair[0] != "\\" or pair in _UNESCAPED, cell
        found.append(_UNESCAPED.get(pair, pair[0]))
        place += 2 if pair in _UNESCAPED else 1
    return "".join(found)
