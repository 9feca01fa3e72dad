"""Avro's rows of bytes into rows by column, many blocks at once.

Where a row begins is known only when the one before it has been read, so a block must be read row
by row. But blocks are independent: here each is a lane, and every step reads one value of one row
of all lanes together. An Avro file of a million rows is some thousands of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.avro import varints
from shared.avro.columns import SLACK, Column, Int64, Ints, Texts, Words, words_of
from shared.backups.errors import UnusableBackup
from shared.lazy import numpy as np

# Below this many rows a step, reading one by one costs less than the steps.
_FEWEST_LANES = 24
_WORD = 8


@dataclass(frozen=True)
class Block:
    """Some rows in Avro's binary encoding.

    Attributes:
        rows: how many.
        data: their bytes.
    """

    rows: int
    data: bytes


def are_covered(blocks: Sequence[Block]) -> bool:
    """Whether reading these blocks side by side is worth it."""
    rows = sum(block.rows for block in blocks)
    return rows >= _FEWEST_LANES * max((block.rows for block in blocks), default=1)


def decode(blocks: Sequence[Block], texts: Sequence[bool]) -> list[Column] | None:
    """The columns of the rows of all blocks; the rows are not in the order of the file.

    Args:
        blocks: the blocks.
        texts: for each field whether it is a text; else it is an integer.

    Returns:
        The columns, or None where an integer has more than eight bytes: they are read row by row.

    Raises:
        UnusableBackup: `damaged`, the bytes are not what the schema says.
    """
    # The longest lanes first: those that still have rows are always the first ones.
    ordered = sorted(blocks, key=lambda block: -block.rows)
    lanes = _Lanes(ordered, texts)
    lanes.run()
    if not lanes.are_at_their_ends():
        if lanes.have_long_integers():
            return None
        raise UnusableBackup(
            "damaged",
            "The rows of a block are not what the file's schema says; the file is damaged.",
        )
    return None if lanes.have_long_integers() else lanes.columns()


class _Lanes:
    def __init__(self, blocks: Sequence[Block], texts: Sequence[bool]) -> None:
        self._texts = texts
        # Room for a damaged row of nothing but integers to run beyond the end.
        slack = SLACK + _WORD * len(texts)
        # One more than the end: of the last lane too it can be told that it went beyond its own.
        self._data = b"".join([*(block.data for block in blocks), bytes(1 + slack)])
        self._limit = np.uint64(len(self._data) - slack)
        sizes = np.fromiter((len(block.data) for block in blocks), np.int64, len(blocks))
        self._counts = np.fromiter((block.rows for block in blocks), np.int64, len(blocks))
        self._ends = np.cumsum(sizes)
        self._at = self._ends - sizes
        rows = int(self._counts.sum())
        self._words = [np.empty(rows, np.uint64) for _ in texts]
        self._shapes = [varints.SHAPES[0] for _ in texts]
        self._starts = [np.empty(rows if text else 0, np.int64) for text in texts]
        self._lengths = [np.empty(rows if text else 0, np.int64) for text in texts]

    def run(self) -> None:
        """Read all rows."""
        words = words_of(self._data)
        # How many lanes have a row at each step.
        longest = int(self._counts.max(initial=0))
        active = len(self._counts) - np.searchsorted(self._counts[::-1], np.arange(1, longest + 1))
        done = 0
        for lanes in active.tolist():
            self._step(words, self._at[:lanes], slice(done, done + lanes))
            done += lanes

    def _step(self, words: Words, at: Int64, rows: slice) -> None:
        unsigned = at.view(np.uint64)
        for field, text in enumerate(self._texts):
            found = words[at]
            self._words[field][rows] = found
            shape = self._shapes[field]
            # Mostly the integers of a field are as long in all lanes as they were before.
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
                # Damaged bytes must not lead out of the buffer; where lanes end tells of it.
                np.minimum(unsigned, self._limit, out=unsigned)
        if not text:
            np.minimum(unsigned, self._limit, out=unsigned)

    def _read_lengths(self, field: int, words: Words, ends: Words | None) -> Int64:
        if ends is None and self._shapes[field].size == 1:
            # Taken for positive; a negative one is found at the end.
            return ((words & 0x7F) >> 1).view(np.int64)
        return varints.read(words, varints.ends(words) if ends is None else ends)

    def are_at_their_ends(self) -> bool:
        """Whether every lane has ended where its block does, having gone forward all the way."""
        lengths = (words for words, text in zip(self._words, self._texts, strict=True) if text)
        forward = not any(np.count_nonzero(words & 1) for words in lengths)
        return forward and bool((self._at == self._ends).all())

    def have_long_integers(self) -> bool:
        """Whether an integer has more than eight bytes, so that nothing after it can be trusted."""
        every = ~np.uint64(0)
        return any(bool((varints.ends(words) == every).any()) for words in self._words)

    def columns(self) -> list[Column]:
        """The columns that were read."""
        return [
            Texts(self._data, self._starts[field], self._lengths[field])
            if text
            else Ints(varints.read(words := self._words[field], varints.ends(words)))
            for field, text in enumerate(self._texts)
        ]
