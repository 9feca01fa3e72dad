"""Bytes of a text file as lines, in constant memory whatever they hold."""

import codecs
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared.errors import UnreadableFile

CHUNK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
MAX_UNPACKED_BYTES = 20_000_000_000
"""What a gzip file may unpack to where nobody says otherwise; more takes longer than a call has."""


@dataclass(frozen=True)
class Chunk:
    """Some physical lines that follow each other.

    Attributes:
        lines: each with its line end.
        number: of the first, counted from 1.
        cut: whether it is one line, cut short because it was longer than allowed.
    """

    lines: list[str]
    number: int
    cut: bool = False


def read(
    stream: BinaryIO, max_bytes: int, max_unpacked_bytes: int = MAX_UNPACKED_BYTES
) -> Iterator[Chunk]:
    """The lines of UTF-8 text, plain or gzip, with or without a byte order mark.

    Lines end with LF, CRLF or CR. A line longer than `max_bytes` comes once, cut and marked.

    Raises:
        UnreadableFile: `not_utf8` or `bad_gzip`, with the line where it was found; `too_large`
            where gzip unpacks to more than `max_unpacked_bytes`.
    """
    number = 1
    carry = ""
    overlong = False
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for packed, last in _marked_last(_chunks(stream, max_unpacked_bytes)):
            text = carry + decoder.decode(packed, final=last)
            # A CR at the end may be half of a CRLF.
            whole, carry = (text, "") if last else _cut(text)
            lines = list(io.StringIO(whole, newline=""))
            if overlong and lines:
                # The rest of a line that was given already.
                del lines[0]
                number, overlong = number + 1, False
            yield from _split(lines, number, max_bytes)
            number += len(lines)
            if len(carry) > max_bytes:
                if not overlong:
                    yield Chunk([carry[:max_bytes]], number, cut=True)
                carry, overlong = "", True
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            "not_utf8",
            f"Not UTF-8 text: byte 0x{error.object[error.start]:02x} in or after line {number}. "
            "Save the file as UTF-8 and drop it again.",
            line=number,
        ) from error


def _split(lines: list[str], number: int, max_bytes: int) -> Iterator[Chunk]:
    """The lines as chunks, those that are too long in chunks of their own."""
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


def _chunks(stream: BinaryIO, max_unpacked_bytes: int) -> Iterator[bytes]:
    first = stream.read(CHUNK_BYTES)
    if first.startswith(_GZIP):
        yield from _within(_unzipped(stream, first), max_unpacked_bytes)
        return
    while first:
        yield first
        first = stream.read(CHUNK_BYTES)


def _within(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    left = most
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise UnreadableFile(
                "too_large",
                f"The gzip file unpacks to more than {most} bytes. Drop it again in several files, "
                "or raise MAX_UNPACKED_BYTES.",
                maximum=most,
            )
        yield piece


def _unzipped(stream: BinaryIO, packed: bytes) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=31)
    try:
        while packed:
            # At most a chunk at a time, however much is packed into it.
            if piece := inflate.decompress(packed, CHUNK_BYTES):
                yield piece
            packed = inflate.unconsumed_tail
            if inflate.eof:
                packed = inflate.unused_data.lstrip(b"\x00")
                inflate = zlib.decompressobj(wbits=31)
                if not packed and not (packed := stream.read(CHUNK_BYTES)):
                    return
            elif not packed:
                packed = stream.read(CHUNK_BYTES)
        raise zlib.error("the end is missing")
    except zlib.error as error:
        raise UnreadableFile(
            "bad_gzip", f"Not a whole gzip file ({error}). Pack it again and drop it again."
        ) from error
