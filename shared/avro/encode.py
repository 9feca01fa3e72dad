"""Rows by column into Avro's rows of bytes, many at once.

Column by column, each value of a row is written where the one before it has ended, eight bytes at a
time. What a value's last word has too much spills into the place of the next value and is written
over by it. So the last column must be one whose words can be laid to end where the row ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.avro import varints
from shared.avro.columns import SLACK, Chunk, Column, Int64, Ints, Texts, window_of, words_of
from shared.lazy import numpy as np

_WORD = 8


@dataclass(frozen=True)
class Rows:
    """Rows in Avro's binary encoding, one after the other.

    Attributes:
        data: the bytes of all of them.
        ends: where each ends.
    """

    data: memoryview
    ends: Int64


def is_covered(chunk: Chunk) -> bool:
    """Whether `encode` can write these rows."""
    *_, last = chunk.columns.values()
    ends_in_words = isinstance(last, Texts) and int(last.lengths.min(initial=_WORD)) >= _WORD
    return chunk.is_plain and ends_in_words


def encode(chunk: Chunk) -> Rows:
    """The rows as Avro writes them; `is_covered` has said yes."""
    written = [_Written.of(column) for column in chunk.columns.values()]
    ends = np.cumsum(sum((column.sizes for column in written), np.zeros(chunk.rows, np.int64)))
    total = int(ends[-1]) if chunk.rows else 0
    buffer = bytearray(total + SLACK)
    at = np.concatenate((np.zeros(min(chunk.rows, 1), np.int64), ends[:-1]))
    for column in written[:-1]:
        column.put(buffer, at)
    if written:
        written[-1].put_last(buffer, at)
    return Rows(memoryview(buffer)[:total], ends)


@dataclass(frozen=True)
class _Written:
    # An integer; of a text its length, followed by its bytes.
    integers: varints.Written
    texts: Texts | None
    sizes: Int64

    @classmethod
    def of(cls, column: Column) -> _Written:
        if isinstance(column, Ints):
            integers = varints.write(column.values)
            return cls(integers, None, integers.lengths)
        if isinstance(column, Texts):
            integers = varints.write(column.lengths)
            return cls(integers, column, integers.lengths + column.lengths)
        raise TypeError("a column of plain values is encoded row by row")

    def put(self, target: bytearray, at: Int64) -> None:
        """Write at the places `at`, and move these on."""
        self._put_integers(target, at)
        if self.texts is not None:
            copy_texts(self.texts, target, at)
            at += self.texts.lengths

    def put_last(self, target: bytearray, at: Int64) -> None:
        """Write the last column: not a byte beyond its end."""
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
        texts: what to copy.
        target: where to.
        at: the place of each text there.
        up_to_the_end: spill nothing beyond a text's end; each has a word's length at least.
    """
    source, starts, lengths, to = texts.words, texts.starts, texts.lengths, at
    longest = int(lengths.max(initial=0))
    shortest = int(lengths.min(initial=longest))
    if 0 < shortest == longest:
        # All of one length: each is copied at once.
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
            # The last word of a text is laid to end with it.
            back = np.minimum(lengths - _WORD, done)
        words[to + back] = source[starts + back]
