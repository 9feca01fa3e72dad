"""A part of a load, judged."""

from dataclasses import dataclass, field
from typing import Any

from shared.validation.row import Reject
from shared.validation.rows import Rows


@dataclass
class Block:
    """Some rows of a load, judged.

    Attributes:
        staged: the good rows as COPY text, in pieces; mostly with the position before the fields.
        rejects: the rows that were turned away.
        read: how many rows there were.
        shaped: how many had the right number of columns.
        size: about how many characters it holds.
        rows: the good rows instead of `staged`, where they are in memory anyway.
    """

    staged: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    shaped: int = 0
    size: int = 0
    rows: Rows | None = None

    def copied(self) -> bytes:
        """The good rows as COPY text."""
        return ("".join(self.staged) if self.rows is None else self.rows.numbered()).encode()

    def stage(self, text: str, rows: int) -> None:
        """Add good rows, as whole lines of COPY text."""
        self.staged.append(text)
        self.read += rows
        self.shaped += rows
        self.size += len(text)

    def turn_away(self, reject: Reject, *, shaped: bool = False) -> None:
        """Add a row that was turned away; `shaped` where it had the right number of columns."""
        self.rejects.append(reject)
        self.read += 1
        self.shaped += shaped
        self.size += _size(reject.raw)


def _size(raw: Any) -> int:
    """About what Python needs for a reject, empty cells too, so that blocks of them stay small."""
    cells = raw.values() if type(raw) is dict else raw
    return 200 + 60 * len(cells) + len("".join(cells))
