"""Writes files of rejected rows, to be corrected and dropped in the uploads bucket again.

The header holds the table's fields, then notes: columns whose names start with an underscore, which
the gate ignores. A cell that a spreadsheet would run as a formula gets an apostrophe before it, and
the gate removes it again. Both happen only in files with notes, so that nothing is lost.
"""

import csv
import io
from collections.abc import Generator, Iterable, Mapping
from typing import Any

import msgspec

from shared.formulas import shield
from shared.tables.table import Table

NOTES = ("_line", "_reasons")


def is_note(column: str) -> bool:
    """Return whether a header's column is a note for people, not a field."""
    return column.startswith("_")


def lines(table: Table, rejects: Iterable[tuple[int, Any, str]]) -> Generator[bytes, None, None]:
    """Yield the file's lines as UTF-8 CSV, header first.

    Args:
        table: the table that the rows were sent to.
        rejects: position, the row as received (mapping or list), and the reasons as a sentence.
    """
    yield _line([*table.names, *NOTES])
    for position, raw, sentence in rejects:
        yield _line([*map(shield, _cells(table, raw)), str(position), shield(sentence)])


def _cells(table: Table, raw: Any) -> list[str]:
    if isinstance(raw, Mapping):
        named = table.as_named_now(raw)
        values = [named.get(name) for name in table.names]
    elif isinstance(raw, list):
        # Keep surplus cells: without them the row would look valid, and be accepted.
        values = [*raw, *[None] * (len(table.names) - len(raw))]
    else:
        values = [raw, *[None] * (len(table.names) - 1)]
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def _line(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().encode()
