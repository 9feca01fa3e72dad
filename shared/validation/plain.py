"""The quick way for CSV: accepts rows that are plainly good, and leaves every doubt to the rules.

What it accepts is a strict subset of what the dictionary accepts. The fields themselves say what is
plainly good, and have it encoded for COPY.
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
        table: whose rows they are.
        order: for each field of the table, the column that holds it.
        numbered: whether a copied line has its position before its fields.

    Attributes:
        undecided: the fields that have no quick parts, as their place in the table and their group
            in a match: of these a match says nothing.
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
        """The lines, whose positions are `numbers`, as COPY text."""
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
    """For each field what matches a cell only if it is plainly good and its own COPY text."""
    return [_matcher(field) for field in table.fields.values()]


def _matcher(field: Kind) -> Callable[[str], re.Match[str] | None]:
    pattern = field.cell_pattern if field.is_quick_in_csv else _NOTHING
    return re.compile(pattern or _NOTHING).fullmatch


def encoders(table: Table) -> Sequence[CellEncoder]:
    """For each field: the cell encoded for COPY, or None if the rules must decide."""
    if table.has_rules_beyond_fields:
        return [_undecided for _ in table.fields]
    return [
        field.cell_encoder if field.is_quick_in_csv else _undecided
        for field in table.fields.values()
    ]


def _undecided(_: str) -> None:
    return None
