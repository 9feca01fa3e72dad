"""The quick path for CSV: accepts plainly good rows, and leaves every doubt to the rules.

It accepts a strict subset of what the dictionary accepts. The fields themselves define what is
plainly good, and how it is encoded for COPY.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from shared.tables.column import NULL
from shared.tables.kind import CellEncoder, Kind
from shared.tables.table import Table

_NOTHING = r"(?!)"
# A cell without quotation marks.
_ANYTHING = r'[^,"\r\n]*'


class PlainLines:
    """Whole lines of a table's file that are plainly good, found with one pattern each.

    Args:
        table: the table of the rows.
        order: for each field of the table, the column that holds it, or None.
        numbered: whether a copied line starts with its position.

    Attributes:
        undecided: the fields that have no quick parts, as their place in the table and their group
            in a match; a match does not check them.
    """

    def __init__(self, table: Table, order: Sequence[int | None], *, numbered: bool = True) -> None:
        self._numbered = numbered
        fields = list(table.fields.values())
        patterns = [_pattern(table, field) or _ANYTHING for field in fields]
        if table.has_rules_beyond_fields:
            patterns = [_NOTHING for _ in patterns]
        there = {column: place for place, column in enumerate(order) if column is not None}
        self._straight = list(order) == sorted(there)
        # For each field its group in a match, or the COPY text that stands for its missing column.
        self._cells = [
            column + 1 if column is not None else _missing(field)
            for field, column in zip(fields, order, strict=True)
        ]
        # All of them if no column is missing, which is faster.
        self._groups = [cell for cell in self._cells if isinstance(cell, int)]
        self.undecided = [
            (place, column + 1)
            for column, place in there.items()
            if _pattern(table, fields[place]) is None
        ]
        columns = [f"({patterns[there[column]]})" for column in sorted(there)]
        self.match = re.compile(",".join(columns) + r"(?:\r\n|\n|\r)?").fullmatch

    def copied(self, lines: Sequence[str], matches: Sequence[Any], numbers: Sequence[int]) -> str:
        """Write the lines, whose positions are `numbers`, as COPY text."""
        if self._straight:
            if self._numbered:
                lines = [f"{place}\t{line}" for place, line in zip(numbers, lines, strict=True)]
            text = "".join(lines).replace(",", "\t")
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            return text if text.endswith("\n") else f"{text}\n"
        if self._groups == self._cells:
            rows = ["\t".join(match.group(*self._groups)) for match in matches]
        else:
            rows = [
                "\t".join([m[cell] if isinstance(cell, int) else cell for cell in self._cells])
                for m in matches
            ]
        if self._numbered:
            rows = [f"{place}\t{row}" for place, row in zip(numbers, rows, strict=True)]
        return "\n".join([*rows, ""])


def cell_matchers(table: Table) -> Sequence[Callable[[str], re.Match[str] | None]]:
    """Return for each field a matcher of cells that are plainly good and their own COPY text."""
    return [
        re.compile(_pattern(table, field) or _NOTHING).fullmatch for field in table.fields.values()
    ]


def _pattern(table: Table, field: Kind) -> str | None:
    """Return the pattern of a cell that is plainly good in this table, or None."""
    if not field.is_quick_in_csv or field.cell_pattern is None:
        return None
    pattern = field.cell_pattern
    is_word = re.compile(pattern).fullmatch
    if words := [re.escape(word) for word in table.missing if is_word(word)]:
        pattern = f"(?!(?:{'|'.join(words)})(?:[,\r\n]|\\Z))(?:{pattern})"
    # An empty cell is NULL, which has the same text in COPY.
    return f"(?:{pattern})?" if field.nullable and field.default is None else pattern


def _missing(field: Kind) -> str:
    return NULL if field.default is None else field.copy_text(field.default)


def encoders(table: Table) -> Sequence[CellEncoder]:
    """Return for each field an encoder for COPY; it gives None if the rules must decide."""
    if table.has_rules_beyond_fields:
        return [_undecided for _ in table.fields]
    words = frozenset(table.missing)
    return [
        _encoder(field.cell_encoder, words) if field.is_quick_in_csv else _undecided
        for field in table.fields.values()
    ]


def _encoder(encode: CellEncoder, missing: frozenset[str]) -> CellEncoder:
    if missing == {""}:
        return encode
    return lambda cell: None if cell in missing else encode(cell)


def _undecided(_: str) -> None:
    return None
