"""Reads a CSV file in constant memory: bytes to physical lines, lines to rows.

Rows are read as Python's csv module reads them, strictly. Source of the rules: RFC 4180, with any
line end, and the last line may lack one.
"""

import codecs
import csv
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import msgspec

from shared.errors import UnreadableFile
from shared.validation import reasons
from shared.validation.limits import DEFAULT, Limits
from shared.validation.row import FieldError

CHUNK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
# A member of a gzip file is fed in growing pieces: zlib copies what lies behind its end.
_FIRST_PIECE_BYTES = 512
_NOT_ZERO = re.compile(rb"[^\x00]")


@dataclass(frozen=True)
class Chunk:
    """Consecutive physical lines.

    Attributes:
        lines: each with its line end.
        number: line number of the first, from 1.
        cut: True if this is a single line that was cut because it was longer than allowed.
    """

    lines: list[str]
    number: int
    cut: bool = False


class Record(msgspec.Struct, frozen=True, gc=False):
    """A row of a CSV file: the line it starts on, and its cells or the error in it."""

    line: int
    cells: list[str]
    error: FieldError | None = None


class Records:
    """A position in a file's lines, from which the caller reads rows or takes whole lines.

    If a quotation mark never closes, or closes wrongly, only its own line is rejected and reading
    continues with the next line. Lines that were scanned for the closing mark are not scanned
    again: a row that begins in one of them and leaves a mark open would reach the same wrong end,
    so the cost stays linear.
    """

    def __init__(self, chunks: Iterator[Chunk], max_bytes: int) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), max_bytes))
        self._chunks, self._max_bytes = chunks, max_bytes
        self._lines: list[str] = []
        self._last_read: list[tuple[str, bool]] = []
        self._index, self._number, self._cut = 0, 1, False
        self._open_until = 0

    def pending(self) -> list[str] | None:
        """Return the buffered lines from the current position; None at the end of the file."""
        while self._index >= len(self._lines):
            if not self._next_chunk():
                return None
        if self._index:
            self._number += self._index
            self._lines, self._index = self._lines[self._index :], 0
        return self._lines

    @property
    def line(self) -> int:
        """Number of the next line."""
        return self._number + self._index

    @property
    def cut(self) -> bool:
        """Whether the buffer holds a single line that was cut."""
        return self._cut

    @property
    def last_read(self) -> list[Chunk]:
        """The physical lines that the last `read` consumed."""
        first = self.line - len(self._last_read)
        return [
            Chunk([text], first + place, cut) for place, (text, cut) in enumerate(self._last_read)
        ]

    def place(self, lines: list[str]) -> int:
        """Return how many `lines` from `pending` are consumed; all if reading went past them."""
        return self._index if self._lines is lines else len(lines)

    def skip(self, count: int) -> None:
        """Consume `count` buffered lines that the caller has read itself."""
        self._index += count

    def read(self) -> Record | None:
        """Read the next row; None at the end of the file. A blank line is a row without cells."""
        if self._index >= len(self._lines) and not self._next_chunk():
            return None
        number, text = self.line, self._lines[self._index]
        if '"' in text or self._cut:
            return self._read_quoted()
        self._index += 1
        self._last_read = [(text, False)]
        text = without_end(text)
        return Record(number, text.split(",") if text else [])

    def _read_quoted(self) -> Record:
        first, lines, index = self.line, self._lines, self._index
        consumed: list[tuple[str, bool]] = []
        self._last_read = consumed
        try:
            return Record(first, next(csv.reader(self._feed(consumed), strict=True)))
        except csv.Error:
            text, too_long = consumed[0]
            self._last_read = consumed[:1]
        if self._lines is lines:
            self._index = index + 1
        else:
            self._put_back(consumed[1:], first + 1)
        self._open_until = max(self._open_until, first + len(consumed) - 1)
        if too_long:
            error = FieldError(reasons.ROW, "row_too_long", {"maximum": self._max_bytes})
        else:
            error = FieldError(reasons.ROW, "bad_quoting")
        return Record(first, [text], error)

    def _feed(self, consumed: list[tuple[str, bool]]) -> Iterator[str]:
        size = 0
        is_alone = self.line < self._open_until
        while self._index < len(self._lines) or self._next_chunk():
            line = self._lines[self._index]
            self._index += 1
            consumed.append((line, self._cut))
            size += len(line)
            if self._cut or size > self._max_bytes:
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

    def _put_back(self, consumed: list[tuple[str, bool]], number: int) -> None:
        """Put lines of an earlier chunk back in front of the current one."""
        rest = self._lines[self._index :]
        if self._cut:
            # A cut line keeps its separate chunk.
            line, _ = consumed.pop()
            self._chunks = chain((Chunk([line], self._number, cut=True),), self._chunks)
        self._lines = [*(line for line, _ in consumed), *rest]
        self._index, self._number, self._cut = 0, number, False


def without_end(line: str) -> str:
    """Strip the line's line end."""
    if line.endswith("\n"):
        line = line[:-1]
    return line[:-1] if line.endswith("\r") else line


def read_lines(stream: BinaryIO, max_bytes: int, limits: Limits = DEFAULT) -> Iterator[Chunk]:
    """Read the lines of UTF-8 text, plain or gzip, with or without a byte order mark.

    Lines end with LF, CRLF or CR. A line longer than `max_bytes` is yielded once, cut and marked
    as cut.

    Raises:
        UnreadableFile: `not_utf8` (with the line) or `bad_gzip`; `too_large`, `bad_ratio` or
            `too_slow` beyond the `limits`.
    """
    number = 1
    carry = ""
    overlong = False
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for packed, last in _marked_last(_chunks(stream, limits)):
            text = carry + decoder.decode(packed, final=last)
            # A CR at the end may be the first half of a CRLF.
            whole, carry = (text, "") if last else _cut(text)
            lines = list(io.StringIO(whole, newline=""))
            if overlong and lines:
                # The rest of a line that was already yielded, cut.
                del lines[0]
                number, overlong = number + 1, False
            yield from _split(lines, number, max_bytes)
            number += len(lines)
            if len(carry) > max_bytes:
                if not overlong:
                    yield Chunk([carry[:max_bytes]], number, cut=True)
                # Without its last CR, the next line would look like the rest of this one.
                carry, overlong = "\r" if carry.endswith("\r") else "", True
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            "not_utf8",
            f"Not UTF-8 text: byte 0x{error.object[error.start]:02x} in or after line {number}. "
            "Save the file as UTF-8 and drop it again.",
            line=number,
        ) from error


def _split(lines: list[str], number: int, max_bytes: int) -> Iterator[Chunk]:
    """Split lines into chunks; each line that is too long gets a separate chunk."""
    start = 0
    if lines and max(map(len, lines)) > max_bytes:
        for place, line in enumerate(lines):
            if len(line) > max_bytes:
                if place > start:
                    yield Chunk(lines[start:place], number + start)
                yield Chunk([line[:max_bytes]], number + place, cut=True)
                start = place + 1
    if start < len(lines):
        yield Chunk(lines[start:], number + start)


def _cut(text: str) -> tuple[str, str]:
    end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
    return text[:end], text[end:]


def _marked_last(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    held = next(chunks, b"")
    for chunk in chunks:
        yield held, False
        held = chunk
    yield held, True


def _chunks(stream: BinaryIO, limits: Limits) -> Iterator[bytes]:
    read = _timed(stream, limits)
    first = read()
    if first.startswith(_GZIP):
        yield from _unzipped(read, first, limits)
        return
    while first:
        yield first
        first = read()


def _timed(stream: BinaryIO, limits: Limits) -> Callable[[], bytes]:
    def read() -> bytes:
        limits.check_time()
        return stream.read(CHUNK_BYTES)

    return read


def _unzipped(read: Callable[[], bytes], packed: bytes, limits: Limits) -> Iterator[bytes]:
    inflate, place, size = zlib.decompressobj(wbits=31), 0, _FIRST_PIECE_BYTES
    before = unpacked = 0
    try:
        while packed:
            fed = packed[place : place + size]
            # A bounded piece at a time, whatever the compression ratio.
            piece = inflate.decompress(fed, CHUNK_BYTES)
            place += len(fed) - len(inflate.unconsumed_tail) - len(inflate.unused_data)
            size = min(2 * size, CHUNK_BYTES)
            if piece:
                unpacked += len(piece)
                limits.check_unpacked(before + place, unpacked)
                limits.check_time()
                yield piece
            if inflate.eof:
                inflate, size = zlib.decompressobj(wbits=31), _FIRST_PIECE_BYTES
                # Zeros may stand between members, and after the last.
                while (next_member := _NOT_ZERO.search(packed, place)) is None:
                    before += len(packed)
                    place = 0
                    if not (packed := read()):
                        return
                place = next_member.start()
            elif place == len(packed) and not inflate.unconsumed_tail:
                before, place, packed = before + len(packed), 0, read()
        raise zlib.error("the end is missing")
    except zlib.error as error:
        raise UnreadableFile(
            "bad_gzip", f"Not a whole gzip file ({error}). Compress it again and drop it again."
        ) from error
