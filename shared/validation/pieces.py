"""Cuts a CSV file into pieces that several workers validate; the result equals `csv_rows.blocks`.

A piece holds only whole rows, as lines with their line numbers, so a worker reads it exactly as if
it read on in the whole file.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from shared.tables.table import Table
from shared.validation import csv_reader, csv_rows
from shared.validation.csv_reader import Chunk, Records
from shared.validation.header import Layout
from shared.validation.limits import DEFAULT, Limits
from shared.validation.row import Reject
from shared.validation.rows import Block

PIECE_BYTES = 8 << 20


class _PackedBlock(msgspec.Struct, array_like=True):
    staged: list[bytes]
    rejects: list[Reject]
    read: int
    shaped: int
    columns: tuple[str, ...]


_POSITION = re.compile(rb"^[0-9]+\t", re.MULTILINE).sub
_CHUNKS = msgspec.msgpack.Decoder(list[Chunk])
_BLOCKS = msgspec.msgpack.Decoder(_PackedBlock)


def cut(
    table: Table,
    stream: BinaryIO,
    max_line_bytes: int,
    size: int = PIECE_BYTES,
    limits: Limits = DEFAULT,
) -> tuple[Layout, Iterator[bytes]]:
    """Read the layout of a file, and cut its rows into pieces of about `size` bytes.

    Raises:
        UnreadableFile: as in `csv_rows.blocks`, except for errors that only validation finds;
            the iterator may raise it too.
    """
    records = Records(csv_reader.read_lines(stream, max_line_bytes, limits), max_line_bytes)
    shape, first = csv_rows.opening(table, records)
    return shape, _pieces(records, records.last_read if first is not None else [], size)


def validate(table: Table, shape: Layout, piece: bytes, max_line_bytes: int) -> Iterator[Block]:
    """Validate the rows of a piece; each staged row starts with its line number in the file."""
    records = Records(iter(_CHUNKS.decode(piece)), max_line_bytes)
    return csv_rows.validate(table, shape, records)


def packed(block: Block) -> bytes:
    """Encode a validated block as bytes."""
    return msgspec.msgpack.encode(
        _PackedBlock(block.staged, block.rejects, block.read, block.shaped, block.columns)
    )


def unpacked(data: bytes) -> Block:
    """Decode a block from the bytes that `packed` made."""
    found = _BLOCKS.decode(data)
    return Block(found.staged, found.rejects, found.read, found.shaped, columns=found.columns)


def unnumbered(staged: bytes) -> bytes:
    """Strip the line numbers from staged rows."""
    return _POSITION(b"", staged)


def _pieces(records: Records, begun: list[Chunk], size: int) -> Iterator[bytes]:
    piece = _Piece(begun)
    while (found := records.pending()) is not None:
        data, at = found
        if not records.cut and (end := _end_before_quotes(data, at)) > at:
            piece.add(Chunk(data[at:end], records.line))
            records.skip(end, records.line + csv_reader.count_lines(data, at, end))
        else:
            records.read()
            for chunk in records.last_read:
                piece.add(chunk)
        if piece.size >= size:
            yield piece.encoded()
            piece = _Piece([])
    if piece.chunks:
        yield piece.encoded()


def _end_before_quotes(data: bytes, start: int) -> int:
    """Return where the last line ends before the first one with a quotation mark."""
    quote = data.find(b'"', start)
    if quote < 0:
        return len(data)
    return max(data.rfind(b"\n", start, quote), data.rfind(b"\r", start, quote), start - 1) + 1


class _Piece:
    """Consecutive lines, in few chunks."""

    def __init__(self, begun: list[Chunk]) -> None:
        self.chunks: list[list[Chunk]] = []
        self.size = self._last = 0
        for chunk in begun:
            self.add(chunk)

    def add(self, chunk: Chunk) -> None:
        """Add the lines that come next."""
        size = len(chunk.data)
        follows = self.chunks and not (chunk.cut or self.chunks[-1][0].cut)
        # Keep chunks as small as a file's: validation holds each in several forms.
        if follows and self._last + size <= csv_reader.CHUNK_BYTES:
            self.chunks[-1].append(chunk)
            self._last += size
        else:
            self.chunks.append([chunk])
            self._last = size
        self.size += size

    def encoded(self) -> bytes:
        """Encode the piece as bytes, for `validate`."""
        chunks = [
            Chunk(b"".join(part.data for part in parts), parts[0].number, parts[0].cut)
            for parts in self.chunks
        ]
        return msgspec.msgpack.encode(chunks)
