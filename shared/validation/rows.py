"""Rows after validation: good ones as COPY text or columns, rejected ones with their errors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Self

from shared.tables.column import copy_texts
from shared.tables.table import Table
from shared.validation.row import Reject


@dataclass(frozen=True)
class Rows:
    """Good rows of a table, held in memory.

    Attributes:
        table: the table.
        positions: the position of each row in its file or batch.
        columns: their values, one column for each field of the table.
    """

    table: Table
    positions: Sequence[int]
    columns: Sequence[Sequence[Any]]

    def numbered(self) -> str:
        """Write the rows as COPY text, each with its position before the fields."""
        return _lines(map("\t".join, zip(map(str, self.positions), *self._copied(), strict=True)))

    def in_order_of(self, column: int, tail: str) -> str:
        """Write the rows as COPY text, sorted by one column, with `tail` after the fields."""
        copied = list(map(list, self._copied()))
        values = self.columns[column]
        if set(map(type, values)) != {int}:
            # Of a decimal or a day, some may be texts as they were sent, and others objects.
            values = copied[column]
        lines = list(map("\t".join, zip(*copied, strict=True)))
        places = sorted(range(len(lines)), key=values.__getitem__)
        return _lines(f"{lines[place]}\t{tail}" for place in places)

    def _copied(self) -> list[Iterable[str]]:
        # One column at a time, so that the loop over a thousand rows runs in C.
        fields = self.table.fields.values()
        return [
            copy_texts(field, column) for field, column in zip(fields, self.columns, strict=True)
        ]


@dataclass
class Block:
    """A part of a load, after validation.

    Attributes:
        staged: the good rows as COPY text, in pieces; usually with the position before the fields.
        columns: the fields in the order in which the text has them; without any, the table's.
        rejects: the rejected rows.
        read: the number of rows read.
        shaped: the number of rows with the right number of columns.
        size: its approximate size in memory, in bytes.
        rows: the good rows, instead of `staged`, if they are in memory anyway.
    """

    staged: list[bytes] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    shaped: int = 0
    size: int = 0
    rows: Rows | None = None
    columns: tuple[str, ...] = ()

    def copied(self) -> bytes:
        """Return the good rows as COPY text."""
        return b"".join(self.staged) if self.rows is None else self.rows.numbered().encode()

    def in_order(self) -> Self:
        """Sort the rejects by position; returns the block itself."""
        self.rejects.sort(key=attrgetter("position"))
        return self

    def stage(self, text: bytes, rows: int) -> None:
        """Add good rows, as whole lines of COPY text."""
        self.staged.append(text)
        self.read += rows
        self.shaped += rows
        self.size += len(text)

    def reject(self, rejected: Reject, *, shaped: bool = False) -> None:
        """Add a rejected row; `shaped` if it had the right number of columns."""
        self.rejects.append(rejected)
        self.read += 1
        self.shaped += shaped
        self.size += _size(rejected.raw)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join([*lines, ""])


def _size(raw: Any) -> int:
    """Estimate the memory of a reject; empty cells count too, so that their blocks stay small."""
    cells = raw.values() if type(raw) is dict else raw
    return 200 + 60 * len(cells) + len("".join(cells))
