"""Good rows in memory, column by column, as COPY text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.tables.table import Table


@dataclass(frozen=True)
class Rows:
    """Checked rows of a table.

    Attributes:
        table: the table.
        positions: where each stood in what brought it.
        columns: their values, a column for each field of the table.
    """

    table: Table
    positions: Sequence[int]
    columns: Sequence[Sequence[Any]]

    def numbered(self) -> str:
        """The rows as COPY text, the position before the fields."""
        return _text(map("\t".join, zip(map(str, self.positions), *self._copied(), strict=True)))

    def in_order_of(self, column: int, tail: str) -> str:
        """The rows as COPY text, by the values of a column; `tail` follows the fields."""
        values = self.columns[column]
        lines = list(map("\t".join, zip(*self._copied(), strict=True)))
        places = sorted(range(len(lines)), key=values.__getitem__)
        return _text(f"{lines[place]}\t{tail}" for place in places)

    def _copied(self) -> list[Iterable[str]]:
        # Column by column, so that the work on a thousand rows is done in C.
        fields = self.table.fields.values()
        return [
            field.copy_texts(column) for field, column in zip(fields, self.columns, strict=True)
        ]


def _text(lines: Iterable[str]) -> str:
    return "\n".join([*lines, ""])
