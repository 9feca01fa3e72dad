"""Encodes columns as rows in Avro's binary encoding and decodes them, many rows at once.

Encoding goes column by column: each value is written where the value before it ended, eight bytes
at a time. The surplus of a value's last word spills into the place of the next value, which then
overwrites it. So the last column must be one whose words can be moved back to end with the row.

Decoding cannot go column by column: a row's start is known only once the row before it was read.
But blocks are independent of each other, so each step reads one value of one row in all blocks
together. A file of a million rows takes some thousands of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.avro import varints
from shared.avro.columns import (
    BOOLEAN,
    DOUBLE,
    SLACK,
    Binaries,
    Chunk,
    Column,
    Encoding,
    Fixed,
    Int64,
    Ints,
    Nullable,
    Texts,
    Words,
    window_of,
    words_of,
)
from shared.avro.errors import AvroError
from shared.avro.varints import Varints
from shared.lazy import numpy as np

# With fewer blocks than this per step, reading row by row is cheaper.
_MIN_BLOCKS = 24
_WORD = 8


@dataclass(frozen=True)
class EncodedRows:
    """Rows in Avro's binary encoding, one after the other.

    Attributes:
        data: the bytes of all rows.
        ends: where each row ends.
    """

    data: memoryview
    ends: Int64


@dataclass(frozen=True)
class Block:
    """The content of a block of a file: rows in Avro's binary encoding.

    Attributes:
        rows: the number of rows.
        data: the bytes of the rows.
    """

    rows: int
    data: bytes


def can_encode(chunk: Chunk) -> bool:
    """Return whether `encode` supports these rows."""
    *_, last = chunk.columns.values()
    ends_in_words = isinstance(last, Texts) and int(last.lengths.min(initial=_WORD)) >= _WORD
    return chunk.is_plain and ends_in_words


def encode(chunk: Chunk) -> EncodedRows:
    """Encode rows for which `can_encode` is true."""
    encoded = [_encoded(column) for column in chunk.columns.values()]
    ends = np.cumsum(sum((column.sizes for column in encoded), np.zeros(chunk.rows, np.int64)))
    total = int(ends[-1]) if chunk.rows else 0
    buffer = bytearray(total + SLACK)
    at = np.concatenate((np.zeros(min(chunk.rows, 1), np.int64), ends[:-1]))
    for column in encoded[:-1]:
        column.put(buffer, at)
        at += column.sizes
    if encoded:
        encoded[-1].put(buffer, at, up_to_the_end=True)
    return EncodedRows(memoryview(buffer)[:total], ends)


def encoded_values(column: Column) -> Texts:
    """Encode each value of a column by itself."""
    encoded = _encoded(column)
    # With room after each for what its last words spill.
    sizes = encoded.sizes + SLACK
    at = np.cumsum(sizes) - sizes
    buffer = bytearray(int(sizes.sum()) + SLACK)
    encoded.put(buffer, at)
    return Texts(bytes(buffer), at, encoded.sizes)


class _Encoded(Protocol):
    @property
    def sizes(self) -> Int64:
        """The bytes of each value."""

    def put(self, target: bytearray, at: Int64, *, up_to_the_end: bool = False) -> None:
        """Write the values at these places; `up_to_the_end` writes no byte beyond their ends."""


def _encoded(column: Column) -> _Encoded:
    if isinstance(column, Ints):
        integers = varints.write(column.values)
        return _EncodedInts(integers, integers.lengths)
    if isinstance(column, Texts):
        integers = varints.write(column.lengths)
        return _EncodedTexts(integers, column, integers.lengths + column.lengths)
    if isinstance(column, Fixed):
        return _EncodedFixed(column.values)
    if isinstance(column, Nullable):
        return _EncodedNullable.of(column)
    raise TypeError("a column of plain values is encoded row by row")


@dataclass(frozen=True)
class _EncodedInts:
    integers: Varints
    sizes: Int64

    def put(self, target: bytearray, at: Int64, *, up_to_the_end: bool = False) -> None:
        del up_to_the_end
        words = words_of(target)
        words[at] = self.integers.words
        if len(self.integers.long):
            words[at[self.integers.long] + _WORD] = self.integers.rest


@dataclass(frozen=True)
class _EncodedTexts:
    integers: Varints
    texts: Texts
    sizes: Int64

    def put(self, target: bytearray, at: Int64, *, up_to_the_end: bool = False) -> None:
        _EncodedInts(self.integers, self.integers.lengths).put(target, at)
        copy_texts(self.texts, target, at + self.integers.lengths, up_to_the_end=up_to_the_end)


@dataclass(frozen=True)
class _EncodedFixed:
    values: np.typing.NDArray[Any]

    @property
    def sizes(self) -> Int64:
        return np.full(len(self.values), self.values.itemsize, np.int64)

    def put(self, target: bytearray, at: Int64, *, up_to_the_end: bool = False) -> None:
        del up_to_the_end
        size = self.values.itemsize
        window_of(target, size)[at] = np.ascontiguousarray(self.values).view(f"V{size}")


@dataclass(frozen=True)
class _EncodedNullable:
    inner: _Encoded
    # The numbers of the branches, each in one byte.
    branches: Words
    places: Int64
    sizes: Int64

    @classmethod
    def of(cls, column: Nullable) -> _EncodedNullable:
        inner, places = _encoded(column.column), np.flatnonzero(column.present)
        sizes = np.ones(len(column.present), np.int64)
        sizes[places] += inner.sizes
        null = np.uint64(2 * column.null_branch)
        branches = np.where(column.present, np.uint64(2) - null, null)
        return cls(inner, branches, places, sizes)

    def put(self, target: bytearray, at: Int64, *, up_to_the_end: bool = False) -> None:
        del up_to_the_end
        words_of(target)[at] = self.branches
        self.inner.put(target, at[self.places] + 1)


def copy_texts(texts: Texts, target: bytearray, at: Int64, *, up_to_the_end: bool = False) -> None:
    """Copy texts to the places `at`, word by word.

    Args:
        texts: the texts.
        target: the buffer to copy them to.
        at: the place of each text there.
        up_to_the_end: write nothing beyond a text's end; each text must have at least one word.
    """
    source, starts, lengths, to = texts.words, texts.starts, texts.lengths, at
    longest = int(lengths.max(initial=0))
    shortest = int(lengths.min(initial=longest))
    if 0 < shortest == longest:
        # Texts of the same length, such as UUIDs, are each copied in one piece.
        window_of(target, longest)[at] = window_of(texts.data, longest)[starts]
        return
    words = words_of(target)
    for done in range(0, longest, _WORD):
        if shortest <= done:
            more = np.flatnonzero(lengths > done)
            starts, lengths, to = starts[more], lengths[more], to[more]
            shortest = int(lengths.min())
        back: Int64 | int = done
        if up_to_the_end and shortest < done + _WORD:
            # The last word of a text is moved back to end with it.
            back = np.minimum(lengths - _WORD, done)
        words[to + back] = source[starts + back]


def can_decode(blocks: Sequence[Block]) -> bool:
    """Return whether there are enough blocks for `decode` to be faster."""
    rows = sum(block.rows for block in blocks)
    return rows >= _MIN_BLOCKS * max((block.rows for block in blocks), default=1)


def decode(blocks: Sequence[Block], encodings: Sequence[Encoding]) -> list[Column] | None:
    """Decode the rows of all blocks; their order differs from the file's.

    Args:
        blocks: the blocks.
        encodings: how each field is encoded.

    Returns:
        The columns, or None if an integer has more than eight bytes: then read row by row.

    Raises:
        AvroError: `damaged`, the bytes do not match the schema.
    """
    # The longest blocks first, so that those with remaining rows are always at the start.
    ordered = sorted(blocks, key=lambda block: -block.rows)
    decoder = _Decoder(ordered, encodings)
    decoder.run()
    if not decoder.read_whole_blocks():
        if decoder.has_long_integers():
            return None
        raise AvroError(
            "damaged",
            "The rows of a block do not match the file's schema; the file is damaged.",
        )
    return None if decoder.has_long_integers() else decoder.columns()


class _Field:
    """What is read of a field: its integers or lengths, and where its other bytes are."""

    def __init__(self, encoding: Encoding, rows: int) -> None:
        self.encoding = encoding
        has_words, has_bytes = not encoding.size, encoding.has_length or encoding.size
        self.words = np.empty(rows if has_words else 0, np.uint64)
        self.starts = np.empty(rows if has_bytes else 0, np.int64)
        self.lengths = np.empty(rows if encoding.has_length else 0, np.int64)
        self.branches = np.empty(rows if encoding.null_branch is not None else 0, np.uint8)
        self.shape = varints.SHAPES[0]

    @property
    def present(self) -> np.typing.NDArray[np.bool_]:
        """For each row whether it has a value."""
        found: np.typing.NDArray[np.bool_]
        found = self.branches != 2 * (self.encoding.null_branch or 0)
        return found

    def is_possible(self) -> bool:
        """Whether no length is negative, and every branch is one of two."""
        negative = np.count_nonzero(self.words & 1) if self.encoding.has_length else 0
        return not negative and not np.count_nonzero(self.branches & 0xFD)

    def has_long_integers(self) -> bool:
        """Whether an integer has more than eight bytes."""
        return bool((varints.ends(self.words) == ~np.uint64(0)).any())

    def column(self, data: bytes) -> Column | None:
        """Return the column; None if a boolean is neither 0 nor 1."""
        if self.encoding.null_branch is None:
            return self._values(data, slice(None))
        present = self.present
        found = self._values(data, present)
        return found and Nullable(found, present, self.encoding.null_branch)

    def _values(self, data: bytes, rows: Any) -> Ints | Texts | Fixed | None:
        match self.encoding.form:
            case "number":
                words = self.words[rows]
                return Ints(varints.read(words, varints.ends(words)))
            case "text":
                return Texts(data, self.starts[rows], self.lengths[rows])
            case "bytes":
                return Binaries(data, self.starts[rows], self.lengths[rows])
            case "double":
                return Fixed(words_of(data)[self.starts[rows]].view(DOUBLE))
            case "boolean":
                bytes_ = np.frombuffer(data, np.uint8)[self.starts[rows]]
                return None if (bytes_ > 1).any() else Fixed(bytes_.view(BOOLEAN))


class _Decoder:
    def __init__(self, blocks: Sequence[Block], encodings: Sequence[Encoding]) -> None:
        # Room for a damaged row to run past the end: of integers of which each may be a union.
        slack = SLACK + 2 * _WORD * len(encodings)
        # One byte more than the blocks need shows that reading ended at the end of the last one.
        self._data = b"".join([*(block.data for block in blocks), bytes(1 + slack)])
        self._limit = np.uint64(len(self._data) - slack)
        sizes = np.fromiter((len(block.data) for block in blocks), np.int64, len(blocks))
        self._counts = np.fromiter((block.rows for block in blocks), np.int64, len(blocks))
        self._ends = np.cumsum(sizes)
        self._at = self._ends - sizes
        rows = int(self._counts.sum())
        self._fields = [_Field(encoding, rows) for encoding in encodings]

    def run(self) -> None:
        """Read all rows."""
        words, each = words_of(self._data), np.frombuffer(self._data, np.uint8)
        # The number of blocks that have a row at each step.
        longest = int(self._counts.max(initial=0))
        active = len(self._counts) - np.searchsorted(self._counts[::-1], np.arange(1, longest + 1))
        done = 0
        for blocks in active.tolist():
            at, rows = self._at[:blocks], slice(done, done + blocks)
            for field in self._fields:
                self._read(field, words, each, at, rows)
            # Damaged bytes must not lead out of the buffer; they are detected after the run.
            np.minimum(at.view(np.uint64), self._limit, out=at.view(np.uint64))
            done += blocks

    def _read(
        self,
        field: _Field,
        words: Words,
        each: np.typing.NDArray[np.uint8],
        at: Int64,
        rows: slice,
    ) -> None:
        present = None
        if field.encoding.null_branch is not None:
            branches = field.branches[rows] = each[at]
            present = branches != 2 * field.encoding.null_branch
            at += 1
        if size := field.encoding.size:
            field.starts[rows] = at
            at += size if present is None else size * present
            return
        found = words[at]
        if present is not None:
            # What is not there reads as 0, and takes no bytes.
            found *= present
        field.words[rows] = found
        # Usually a field's integers have the same length in all blocks as in the previous step.
        ends = None
        sizes: Any = field.shape.size
        if not field.shape.has_all(found):
            ends = varints.ends(found)
            sizes = varints.lengths(ends)
            field.shape = varints.SHAPES[int(sizes[0]) - 1]
        at += sizes if present is None else sizes * present
        if field.encoding.has_length:
            if ends is None and field.shape.size == 1:
                # Read as positive; `read_whole_blocks` detects negative ones.
                lengths = ((found & 0x7F) >> 1).view(np.int64)
            else:
                lengths = varints.read(found, varints.ends(found) if ends is None else ends)
            field.starts[rows] = at
            field.lengths[rows] = lengths
            at += lengths
            np.minimum(at.view(np.uint64), self._limit, out=at.view(np.uint64))

    def read_whole_blocks(self) -> bool:
        """Return whether reading only moved forward and ended exactly at the end of every block."""
        possible = all(field.is_possible() for field in self._fields)
        return possible and bool((self._at == self._ends).all())

    def has_long_integers(self) -> bool:
        """Return whether an integer has more than eight bytes; what was read after it is wrong."""
        return any(field.has_long_integers() for field in self._fields)

    def columns(self) -> list[Column]:
        """Return the columns that were read.

        Raises:
            AvroError: `damaged`, a boolean is neither true nor false.
        """
        found = [field.column(self._data) for field in self._fields]
        if None in found:
            raise AvroError(
                "damaged", "A boolean of the file is neither true nor false; it is damaged."
            )
        return [column for column in found if column is not None]
