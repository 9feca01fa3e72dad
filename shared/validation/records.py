"""Lines as rows of a CSV file, read as the csv module reads them, strictly.

Source of the rules: RFC 4180, with any line end and a last line that may lack it.
"""

import csv
from collections.abc import Iterator
from itertools import chain

import msgspec

from shared.validation import reasons
from shared.validation.csv_reader import Chunk
from shared.validation.row import FieldError


class Record(msgspec.Struct, frozen=True, gc=False):
    """A row of a CSV file: the line it starts on, and its cells or what is wrong with it."""

    line: int
    cells: list[str]
    error: FieldError | None = None


class Records:
    """A position in a file's lines, from which rows are read or whole lines are taken.

    After a quotation mark that never closes, or closes wrongly, only its own line is turned away
    and reading goes on with the next. What was read over in vain is not read over again: each of
    those lines left a quotation mark open, so a row that begins in one of them and is open at its
    end runs into the same wrong end.
    """

    def __init__(self, chunks: Iterator[Chunk], max_bytes: int) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), max_bytes + 1))
        self._chunks, self._max_bytes = chunks, max_bytes
        self._lines: list[str] = []
        self._taken: list[tuple[str, bool]] = []
        self._cut = False
        self._index = 0
        self._number = 1
        self._open_until = 0

    def ahead(self) -> list[str] | None:
        """The lines that are at hand from here on; None at the end of the file."""
        while self._index >= len(self._lines):
            if not self._next_chunk():
                return None
        if self._index:
            self._number += self._index
            self._lines, self._index = self._lines[self._index :], 0
        return self._lines

    @property
    def line(self) -> int:
        """Number of the line that comes next."""
        return self._number + self._index

    @property
    def cut(self) -> bool:
        """Whether what is at hand is one line, cut short."""
        return self._cut

    @property
    def taken(self) -> list[Chunk]:
        """The lines that `read` took last, as it found them."""
        first = self.line - len(self._taken)
        return [Chunk([text], first + place, cut) for place, (text, cut) in enumerate(self._taken)]

    def place(self, lines: list[str]) -> int:
        """How many of the `lines` that `ahead` gave have been taken; all, where it went beyond."""
        return self._index if self._lines is lines else len(lines)

    def skip(self, count: int) -> None:
        """Take lines of those at hand, as somebody else has read them."""
        self._index += count

    def read(self) -> Record | None:
        """The next row; None at the end of the file. A blank line is a row without cells."""
        if self._index >= len(self._lines) and not self._next_chunk():
            return None
        number, text = self.line, self._lines[self._index]
        if '"' in text or self._cut:
            return self._read_quoted()
        self._index += 1
        self._taken = [(text, False)]
        text = without_end(text)
        return Record(number, text.split(",") if text else [])

    def _read_quoted(self) -> Record:
        first, lines, index = self.line, self._lines, self._index
        taken: list[tuple[str, bool]] = []
        self._taken = taken
        try:
            return Record(first, next(csv.reader(self._feed(taken), strict=True)))
        except csv.Error:
            text, too_long = taken[0]
            self._taken = taken[:1]
        if self._lines is lines:
            self._index = index + 1
        else:
            self._put_back(taken[1:], first + 1)
        self._open_until = max(self._open_until, first + len(taken) - 1)
        if too_long:
            error = FieldError(reasons.ROW, "row_too_long", {"maximum": self._max_bytes})
        else:
            error = FieldError(reasons.ROW, "bad_quoting")
        return Record(first, [text], error)

    def _feed(self, taken: list[tuple[str, bool]]) -> Iterator[str]:
        size = 0
        is_alone = self.line < self._open_until
        while self._index < len(self._lines) or self._next_chunk():
            line = self._lines[self._index]
            self._index += 1
            taken.append((line, self._cut))
            size += len(line)
            if self._cut or (size > self._max_bytes and len(taken) > 1):
                raise csv.Error("too long")
            yield line
            if is_alone:
                raise csv.Error("never closes")

    def _next_chunk(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._lines, self._number, self._cut = chunk.lines, chunk.number, chunk.cut
        self._index = 0
        return True

    def _put_back(self, taken: list[tuple[str, bool]], number: int) -> None:
        """Go back to the first of the lines taken, the chunk before the present one."""
        rest = self._lines[self._index :]
        if self._cut:
            # A line that was cut short stays in a chunk of its own.
            line, _ = taken.pop()
            self._chunks = chain((Chunk([line], self._number, cut=True),), self._chunks)
        self._lines = [*(line for line, _ in taken), *rest]
        self._index, self._number, self._cut = 0, number, False


def without_end(line: str) -> str:
    """A line without its line end."""
    if line.endswith("\n"):
        line = line[:-1]
    return line[:-1] if line.endswith("\r") else line
