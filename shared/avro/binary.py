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

from shared.avro import varints
from shared.avro.columns import SLACK, Chunk, Column, Int64, Ints, Texts, Words, window_of, words_of
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
    encoded = [_EncodedColumn.of(column) for column in chunk.columns.values()]
    ends = np.cumsum(sum((column.sizes for column in encoded), np.zeros(chunk.rows, np.int64)))
    total = int(ends[-1]) if chunk.rows else 0
    buffer = bytearray(total + SLACK)
    at = np.concatenate((np.zeros(min(chunk.rows, 1), np.int64), ends[:-1]))
    for column in encoded[:-1]:
        column.put(buffer, at)
    if encoded:
        encoded[-1].put_last(buffer, at)
    return EncodedRows(memoryview(buffer)[:total], ends)


@dataclass(frozen=True)
class _EncodedColumn:
    # The integers of the column, or the lengths of its texts.
    integers: Varints
    texts: Texts | None
    sizes: Int64

    @classmethod
    def of(cls, column: Column) -> _EncodedColumn:
        if isinstance(column, Ints):
            integers = varints.write(column.values)
            return cls(integers, None, integers.lengths)
        if isinstance(column, Texts):
            integers = varints.write(column.lengths)
            return cls(integers, column, integers.lengths + column.lengths)
        raise TypeError("a column of plain values is encoded row by row")

    def put(self, target: bytearray, at: Int64) -> None:
        """Write at the places `at`, and move these forward."""
        self._put_integers(target, at)
        if self.texts is not None:
            copy_texts(self.texts, target, at)
            at += self.texts.lengths

    def put_last(self, target: bytearray, at: Int64) -> None:
        """Write the last column, and no byte beyond its end."""
        self._put_integers(target, at)
        if self.texts is None:
            raise TypeError("the last column must be a text")
        copy_texts(self.texts, target, at, up_to_the_end=True)

    def _put_integers(self, target: bytearray, at: Int64) -> None:
        words = words_of(target)
        words[at] = self.integers.words
        if len(self.integers.long):
            words[at[self.integers.long] + _WORD] = self.integers.rest
        at += self.integers.lengths


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


def decode(blocks: Sequence[Block], are_texts: Sequence[bool]) -> list[Column] | None:
    """Decode the rows of all blocks; their order differs from the file's.

    Args:
        blocks: the blocks.
        are_texts: for each field whether it is a text; otherwise it is an integer.

    Returns:
        The columns, or None if an integer has more than eight bytes: then read row by row.

    Raises:
        AvroError: `damaged`, the bytes do not match the schema.
    """
    # The longest blocks first, so that those with remaining rows are always at the start.
    ordered = sorted(blocks, key=lambda block: -block.rows)
    decoder = _Decoder(ordered, are_texts)
    decoder.run()
    if not decoder.read_whole_blocks():
        if decoder.has_long_integers():
            return None
        raise AvroError(
            "damaged",
            "The rows of a block do not match the file's schema; the file is damaged.",
        )
    return None if decoder.has_long_integers() else decoder.columns()


class _Decoder:
    def __init__(self, blocks: Sequence[Block], are_texts: Sequence[bool]) -> None:
        self._are_texts = are_texts
        # Room for a damaged row of only integers to run past the end.
        slack = SLACK + _WORD * len(are_texts)
        # One byte more than the blocks need shows that reading ended at the end of the last one.
        self._data = b"".join([*(block.data for block in blocks), bytes(1 + slack)])
        self._limit = np.uint64(len(self._data) - slack)
        sizes = np.fromiter((len(block.data) for block in blocks), np.int64, len(blocks))
        self._counts = np.fromiter((block.rows for block in blocks), np.int64, len(blocks))
        self._ends = np.cumsum(sizes)
        self._at = self._ends - sizes
        rows = int(self._counts.sum())
        self._words = [np.empty(rows, np.uint64) for _ in are_texts]
        self._shapes = [varints.SHAPES[0] for _ in are_texts]
        self._starts = [np.empty(rows if text else 0, np.int64) for text in are_texts]
        self._lengths = [np.empty(rows if text else 0, np.int64) for text in are_texts]

    def run(self) -> None:
        """Read all rows."""
        words = words_of(self._data)
        # The number of blocks that have a row at each step.
        longest = int(self._counts.max(initial=0))
        active = len(self._counts) - np.searchsorted(self._counts[::-1], np.arange(1, longest + 1))
        done = 0
        for blocks in active.tolist():
            self._step(words, self._at[:blocks], slice(done, done + blocks))
            done += blocks

    def _step(self, words: Words, at: Int64, rows: slice) -> None:
        unsigned = at.view(np.uint64)
        for field, text in enumerate(self._are_texts):
            found = words[at]
            self._words[field][rows] = found
            shape = self._shapes[field]
            # Usually a field's integers have the same length in all blocks as in the previous step.
            if shape.has_all(found):
                at += shape.size
                ends = None
            else:
                ends = varints.ends(found)
                sizes = varints.lengths(ends)
                at += sizes
                self._shapes[field] = varints.SHAPES[int(sizes[0]) - 1]
            if text:
                lengths = self._read_lengths(field, found, ends)
                self._starts[field][rows] = at
                self._lengths[field][rows] = lengths
                at += lengths
                # Damaged bytes must not lead out of the buffer; they are detected after the run.
                np.minimum(unsigned, self._limit, out=unsigned)
        if not text:
            np.minimum(unsigned, self._limit, out=unsigned)

    def _read_lengths(self, field: int, words: Words, ends: Words | None) -> Int64:
        if ends is None and self._shapes[field].size == 1:
            # Read as positive; `read_whole_blocks` detects negative ones.
            return ((words & 0x7F) >> 1).view(np.int64)
        return varints.read(words, varints.ends(words) if ends is None else ends)

    def read_whole_blocks(self) -> bool:
        """Return whether reading only moved forward and ended exactly at the end of every block."""
        lengths = (words for words, text in zip(self._words, self._are_texts, strict=True) if text)
        forward = not any(np.count_nonzero(words & 1) for words in lengths)
        return forward and bool((self._at == self._ends).all())

    def has_long_integers(self) -> bool:
        """Return whether an integer has more than eight bytes; what was read after it is wrong."""
        every = ~np.uint64(0)
        return any(bool((varints.ends(words) == every).any()) for words in self._words)

    def columns(self) -> list[Column]:
        """Return the columns that were read."""
        return [
            Texts(self._data, self._starts[field], self._lengths[field])
            if text
            else Ints(varints.read(words := self._words[field], varints.ends(words)))
            for field, text in enumerate(self._are_texts)
        ]
