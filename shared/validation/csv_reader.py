"""Reads a CSV file in constant memory: bytes to physical lines, lines to rows.

Rows are read as Python's csv module reads them, strictly. Source of the rules: RFC 4180, with any
line end, and the last line may lack one.
"""

import codecs
import csv
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
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)?").match


@dataclass(frozen=True)
class Chunk:
    """Consecutive physical lines.

    Attributes:
        data: the lines, each with its line end; only the last line of a file may lack one.
        number: line number of the first, from 1.
        cut: True if this is a single line that was cut because it was longer than allowed.
        lines: how many there are; None if nobody has counted them.
    """

    data: bytes
    number: int
    cut: bool = False
    lines: int | None = None


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
    so the cost stays linear. A byte that is not UTF-8 rejects its own row.
    """

    def __init__(self, chunks: Iterator[Chunk], max_bytes: int) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), max_bytes))
        self._chunks, self._max_bytes = chunks, max_bytes
        self._data, self._at, self._number, self._cut = b"", 0, 1, False
        self._lines: int | None = None
        self._last_read: list[Chunk] = []
        self._open_until = 0

    def pending(self) -> tuple[bytes, int] | None:
        """Return the buffered lines, and where the next one begins; None at the end of the file."""
        while self._at >= len(self._data):
            if (chunk := next(self._chunks, None)) is None:
                return None
            self._data, self._at = chunk.data, 0
            self._number, self._cut, self._lines = chunk.number, chunk.cut, chunk.lines
        return self._data, self._at

    @property
    def line(self) -> int:
        """Number of the next line."""
        return self._number

    @property
    def cut(self) -> bool:
        """Whether the buffer holds a single line that was cut."""
        return self._cut

    @property
    def lines(self) -> int | None:
        """How many lines are in the buffer, those before the next one included, if it is known."""
        return self._lines

    @property
    def last_read(self) -> list[Chunk]:
        """The physical lines that the last `read` consumed."""
        return self._last_read

    def skip(self, end: int, number: int) -> None:
        """Consume the buffered lines up to `end`; the next one has this number."""
        self._at, self._number = end, number

    def read(self) -> Record | None:
        """Read the next row; None at the end of the file. A blank line is a row without cells."""
        if self.pending() is None:
            return None
        number, start = self._number, self._at
        end = line_end(self._data, start)
        line = self._data[start:end]
        found = None if self._cut else record(number, line)
        if found is None:
            return self._read_on()
        self.skip(end, number + 1)
        self._last_read = [Chunk(line, number)]
        return found

    def _read_on(self) -> Record:
        """Read a row that does not end on its first line, or never ends."""
        first, data, start = self._number, self._data, self._at
        consumed: list[Chunk] = []
        try:
            cells = next(csv.reader(self._feed(consumed), strict=True))
        except csv.Error:
            self._last_read = consumed[:1]
            self._open_until = max(self._open_until, first + len(consumed) - 1)
            if self._data is data:
                self._at, self._number = start + len(consumed[0].data), first + 1
            else:
                self._put_back(consumed[1:], first + 1)
            text = shown(consumed[0].data)
            if consumed[0].cut:
                error = FieldError(reasons.ROW, "row_too_long", {"maximum": self._max_bytes})
            else:
                error = FieldError(reasons.ROW, "bad_quoting")
            return Record(first, [text], error)
        self._last_read = consumed
        line = b"".join(chunk.data for chunk in consumed)
        try:
            line.decode()
        except UnicodeDecodeError as error:
            return _undecodable(first, line, error)
        return Record(first, cells)

    def _feed(self, consumed: list[Chunk]) -> Iterator[str]:
        size = 0
        is_alone = self._number < self._open_until
        while self.pending() is not None:
            end = line_end(self._data, self._at)
            line = Chunk(self._data[self._at : end], self._number, self._cut)
            self.skip(end, self._number + 1)
            consumed.append(line)
            size += len(line.data)
            if line.cut or size > self._max_bytes:
                raise csv.Error("too long")
            yield line.data.decode(errors="surrogateescape")
            if is_alone:
                raise csv.Error("never closes")

    def _put_back(self, consumed: list[Chunk], number: int) -> None:
        """Put lines of an earlier chunk back in front of the current one."""
        rest = self._data[self._at :]
        if self._cut:
            # A cut line keeps its separate chunk.
            self._chunks = chain((consumed.pop(),), self._chunks)
        self._data = b"".join([*(line.data for line in consumed), rest])
        self._at, self._number, self._cut, self._lines = 0, number, False, None


def record(number: int, line: bytes) -> Record | None:
    """Read the row of a line, or None if `Records` must look at it: a quotation mark stays open."""
    is_quoted = b'"' in line
    try:
        text = without_end(line).decode()
        if is_quoted:
            return Record(number, next(csv.reader((text,), strict=True)))
    except csv.Error:
        return None
    except UnicodeDecodeError as error:
        return None if is_quoted else _undecodable(number, line, error)
    # A blank line has no cells.
    return Record(number, text.split(",") if text else [])


def line_end(data: bytes, start: int) -> int:
    """Return where the line that begins at `start` ends, behind its line end."""
    return _LINE(data, start).end()  # type: ignore[union-attr]


def last_end(data: bytes, start: int, stop: int) -> int:
    """Return where the last line ends that ends between two places, or `start`."""
    # The CR of a CRLF ends no line.
    before = stop - 1 if data[stop : stop + 1] == b"\n" else stop
    return max(data.rfind(b"\n", start, stop) + 1, data.rfind(b"\r", start, before) + 1, start)


def count_lines(data: bytes, start: int = 0, stop: int | None = None) -> int:
    """Count the lines between two places, the last of which may lack its line end."""
    stop = len(data) if stop is None else stop
    if start == stop:
        return 0
    ends = data.count(b"\n", start, stop)
    if data.find(b"\r", start, stop) >= 0:
        ends += data.count(b"\r", start, stop) - data.count(b"\r\n", start, stop)
    return ends + (data[stop - 1] not in b"\r\n")


def without_end(line: bytes) -> bytes:
    """Strip the line's line end."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def shown(line: bytes) -> str:
    r"""Decode a line that may not be UTF-8: a byte that is not stands there as `\xe9`."""
    return line.decode(errors="backslashreplace")


def _undecodable(number: int, line: bytes, error: UnicodeDecodeError) -> Record:
    facts = {"byte": f"0x{error.object[error.start]:02x}"}
    text = shown(without_end(line))
    return Record(number, [text], FieldError(reasons.ROW, "not_utf8", facts))


def read_lines(stream: BinaryIO, max_bytes: int, limits: Limits = DEFAULT) -> Iterator[Chunk]:
    """Read the lines of a file, plain or gzip, without a byte order mark.

    Lines end with LF, CRLF or CR. A line longer than `max_bytes` is yielded once, cut and marked
    as cut.

    Raises:
        UnreadableFile: `bad_gzip`; `too_large`, `bad_ratio` or `too_slow` beyond the `limits`.
    """
    number, carry, begun, overlong = 1, b"", False, False
    for piece, last in _marked_last(_chunks(stream, limits)):
        data = carry + piece
        if not begun:
            if len(data) < len(codecs.BOM_UTF8) and not last:
                carry = data
                continue
            data, begun = data.removeprefix(codecs.BOM_UTF8), True
        # A CR at the end may be the first half of a CRLF.
        end = len(data) if last else max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
        whole, carry = data[:end], data[end:]
        if overlong and whole:
            # The rest of a line that was already yielded, cut.
            whole = whole[line_end(whole, 0) :]
            number, overlong = number + 1, False
        lines = count_lines(whole)
        yield from _split(whole, number, max_bytes, lines)
        number += lines
        if len(carry) > max_bytes:
            if not overlong:
                yield Chunk(carry[:max_bytes], number, cut=True)
            # Without its last CR, the next line would look like the rest of this one.
            carry, overlong = b"\r" if carry.endswith(b"\r") else b"", True


def _split(data: bytes, number: int, max_bytes: int, lines: int) -> Iterator[Chunk]:
    """Split lines into chunks; each line that is too long gets a separate chunk."""
    start = at = 0
    while len(data) - at > max_bytes:
        # No line is too long that begins behind `at` and ends within `max_bytes` of it.
        if (end := last_end(data, at, at + max_bytes)) > at:
            at = end
            continue
        end = line_end(data, at)
        if at > start:
            yield Chunk(data[start:at], number)
            number += count_lines(data[start:at])
        yield Chunk(data[at : at + max_bytes], number, cut=True)
        start = at = end
        number += 1
    if start < len(data):
        yield Chunk(data[start:], number, lines=None if start else lines)


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
