"""A file cut into pieces that are judged apart, and together say what `files.blocks` says of it.

A piece holds whole rows only, as lines with their numbers, so that whoever judges it reads it just
as the file would have been read from there on.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from shared.tables.table import Table
from shared.validation import csv_reader, files
from shared.validation.block import Block
from shared.validation.csv_reader import Chunk
from shared.validation.header import Layout
from shared.validation.records import Records
from shared.validation.row import Reject

PIECE_CHARACTERS = 8 << 20


class _Judged(msgspec.Struct, array_like=True):
    staged: list[str]
    rejects: list[Reject]
    read: int
    shaped: int


_POSITION = re.compile(r"^[0-9]+\t", re.MULTILINE | re.ASCII).sub
_CHUNKS = msgspec.msgpack.Decoder(list[Chunk])
_BLOCKS = msgspec.msgpack.Decoder(_Judged)


def cut(
    table: Table,
    stream: BinaryIO,
    max_line_bytes: int,
    size: int = PIECE_CHARACTERS,
    max_unpacked_bytes: int = csv_reader.MAX_UNPACKED_BYTES,
) -> tuple[Layout, Iterator[bytes]]:
    """Where a file's columns are, and its rows in pieces of about `size` characters.

    Raises:
        UnreadableFile: as `files.blocks`, but for what only judging can tell; later ones come from
            the iterator.
    """
    records = Records(csv_reader.read(stream, max_line_bytes, max_unpacked_bytes), max_line_bytes)
    shape, first = files.opening(table, records)
    return shape, _pieces(records, records.taken if first is not None else [], size)


def judge(table: Table, shape: Layout, piece: bytes, max_line_bytes: int) -> Iterator[Block]:
    """Judge the rows of a piece; each staged row has its line in the file before its fields."""
    records = Records(iter(_CHUNKS.decode(piece)), max_line_bytes)
    return files.judged(table, shape, records)


def packed(block: Block) -> bytes:
    """A judged block as bytes."""
    return msgspec.msgpack.encode(_Judged(block.staged, block.rejects, block.read, block.shaped))


def unpacked(data: bytes) -> Block:
    """The block that `packed` was given."""
    found = _BLOCKS.decode(data)
    return Block(found.staged, found.rejects, found.read, found.shaped)


def unnumbered(staged: str) -> str:
    """Staged rows without the position before their fields."""
    return _POSITION("", staged)


def _pieces(records: Records, begun: list[Chunk], size: int) -> Iterator[bytes]:
    piece = _Piece(begun)
    while (ahead := records.ahead()) is not None:
        if records.cut or any('"' in line for line in ahead):
            _take_quoted(records, ahead, piece)
        else:
            piece.add(Chunk(ahead, records.line))
            records.skip(len(ahead))
        if piece.size >= size:
            yield piece.encoded()
            piece = _Piece([])
    if piece.chunks:
        yield piece.encoded()


def _take_quoted(records: Records, ahead: list[str], piece: "_Piece") -> None:
    """Take all rows that begin in the lines at hand; the last may end beyond."""
    while records.place(ahead) < len(ahead):
        records.read()
        for chunk in records.taken:
            piece.add(chunk)


class _Piece:
    """Lines that follow each other, in few chunks."""

    def __init__(self, begun: list[Chunk]) -> None:
        self.chunks: list[Chunk] = []
        self.size = self._last = 0
        for chunk in begun:
            self.add(chunk)

    def add(self, chunk: Chunk) -> None:
        """Add lines that follow those that are there."""
        size = sum(map(len, chunk.lines))
        follows = self.chunks and not (chunk.cut or self.chunks[-1].cut)
        # Chunks stay as small as a file's own: who judges holds one at a time in many forms.
        if follows and self._last + size <= csv_reader.CHUNK_BYTES:
            self.chunks[-1].lines.extend(chunk.lines)
            self._last += size
        else:
            self.chunks.append(Chunk(list(chunk.lines), chunk.number, chunk.cut))
            self._last = size
        self.size += size

    def encoded(self) -> bytes:
        """As bytes, for `judge`."""
        return msgspec.msgpack.encode(self.chunks)
