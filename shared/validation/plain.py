"""The quick path for CSV: accepts plainly good rows, and leaves every doubt to the rules.

It accepts a strict subset of what the dictionary accepts. The fields themselves define what is
plainly good, and how it is encoded for COPY.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from shared.tables.kind import CellEncoder, Kind
from shared.tables.table import Table

_NOTHING = r"(?!)"
# A cell without quotation marks.
_ANYTHING = r'[^,"\r\n]*'


class PlainLines:
    """Whole lines of a table's file that are plainly good, found with one pattern each.

    Args:
        table: the table of the rows.
        order: for each field of the table, the column that holds it.
        numbered: whether a copied line starts with its position.

    Attributes:
        undecided: the fields that have no quick parts, as their place in the table and their group
            in a match; a match does not check them.
    """

    def __init__(self, table: Table, order: Sequence[int], *, numbered: bool = True) -> None:
        self._numbered = numbered
        fields = list(table.fields.values())
        patterns = [field.cell_pattern if field.is_quick_in_csv else _ANYTHING for field in fields]
        if table.has_rules_beyond_fields:
            patterns = [_NOTHING for _ in patterns]
        self._straight = list(order) == sorted(order)
        self._groups = [column + 1 for column in order]
        self.undecided = [
            (place, self._groups[place])
            for place, field in enumerate(fields)
            if not field.is_quick_in_csv
        ]
        columns = [f"({patterns[list(order).index(column)]})" for column in range(len(order))]
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
        rows = ["\t".join(match.group(*self._groups)) for match in matches]
        if self._numbered:
            rows = [f"{place}\t{row}" for place, row in zip(numbers, rows, strict=True)]
        return "\n".join([*rows, ""])


def cell_matchers(table: Table) -> Sequence[Callable[[str], re.Match[str] | None]]:
    """Return for each field a matcher of cells that are plainly good and their own COPY text."""
    return [_matcher(field) for field in table.fields.values()]


def _matcher(field: Kind) -> Callable[[str], re.Match[str] | None]:
    pattern = field.cell_pattern if field.is_quick_in_csv else _NOTHING
    return re.compile(pattern or _NOTHING).fullmatch


def encoders(table: Table) -> Sequence[CellEncoder]:
    """Return for each field an encoder for COPY; it gives None if the rules must decide."""
    if table.has_rules_beyond_fields:
        return [_undecided for _ in table.fields]
    return [
        field.cell_encoder if field.is_quick_in_csv else _undecided
        for field in table.fields.values()
    ]


def _undecided(_: str) -> None:
    return None
