"""Encodes and decodes Avro's integers, many at once: zigzag, then seven bits a byte, lowest first.

Source: Apache Avro 1.11 specification, "Binary Encoding".

An integer of up to 56 bits takes at most eight bytes, so it is encoded and decoded within one word;
the few longer ones take a second word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from shared.avro.columns import Int64, Words
from shared.lazy import numpy as np

_SEVENS = 0x7F7F7F7F7F7F7F7F
_MORE = 0x8080808080808080
_IN_ONE_WORD = 1 << 56
# Each step pairs groups of 7, 14 and 28 bits: packed to seven bits a byte, or back.
_STEPS = (
    (0x7F007F007F007F00, 0x007F007F007F007F, 1),
    (0x3FFF00003FFF0000, 0x00003FFF00003FFF, 2),
    (0x0FFFFFFF00000000, 0x000000000FFFFFFF, 4),
)


@cache
def _steps() -> tuple[tuple[np.uint64, np.uint64, np.uint64], ...]:
    return tuple((np.uint64(high), np.uint64(low), np.uint64(shift)) for high, low, shift in _STEPS)


@dataclass(frozen=True)
class Varints:
    """Encoded integers.

    Attributes:
        words: the first eight bytes of each; bytes beyond its length are zero.
        lengths: the number of bytes of each.
        long: the indexes of integers with more than eight bytes.
        rest: the bytes of these integers from the ninth on.
    """

    words: Words
    lengths: Int64
    long: Int64
    rest: Words


def write(values: Int64) -> Varints:
    """Encode integers."""
    if len(values) > 1 and not np.count_nonzero(values != values[0]):
        return _repeated(write(values[:1]), len(values))
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    most = int(zigzag.max(initial=0))
    lengths = np.ones(len(values), np.int64)
    for bits in range(7, max(most.bit_length(), 1), 7):
        lengths += zigzag >= np.uint64(1 << bits)
    spread = zigzag & np.uint64(_IN_ONE_WORD - 1)
    for high, low, shift in reversed(_steps()):
        spread = ((spread << shift) & high) | (spread & low)
    one, more = np.uint64(1), np.uint64(_MORE)
    followed = (one << ((np.minimum(lengths, 9) - 1).astype(np.uint64) << np.uint64(3))) - one
    if most < _IN_ONE_WORD:
        none, no_words = np.empty(0, np.int64), np.empty(0, np.uint64)
        return Varints(spread | (more & followed), lengths, none, no_words)
    long = np.flatnonzero(lengths > 8)
    followed[long] = ~np.uint64(0)
    rest = zigzag[long] >> np.uint64(56)
    rest = (rest & np.uint64(0x7F)) | ((rest >> np.uint64(7)) << np.uint64(8))
    rest |= (lengths[long] > 9).astype(np.uint64) << np.uint64(7)
    return Varints(spread | (more & followed), lengths, long, rest)


def _repeated(one: Varints, times: int) -> Varints:
    long = np.arange(times if len(one.long) else 0)
    return Varints(
        np.repeat(one.words, times),
        np.repeat(one.lengths, times),
        long,
        np.repeat(one.rest, times),
    )


def ends(words: Words) -> Words:
    """Return a mask for each word of the integer at its start; all ones if it is longer."""
    more = np.uint64(_MORE)
    marks = (words & more) ^ more
    return (marks - np.uint64(1)) & ~marks


@dataclass(frozen=True)
class Shape:
    """The bits that are the same in the encodings of all integers of one length.

    Attributes:
        size: the length in bytes, 8 at most.
        mask: the bits that determine the length.
        bits: the values of these bits.
    """

    size: int
    mask: int
    bits: int

    def has_all(self, words: Words) -> bool:
        """Return whether the integer at the start of each word has this length."""
        return not np.count_nonzero((words & self.mask) != self.bits)


def shape(size: int) -> Shape:
    """Compute the shape of a length."""
    mask = _MORE & ((1 << (8 * size)) - 1)
    return Shape(size, mask, mask & ~(0x80 << (8 * (size - 1))))


SHAPES = tuple(shape(size) for size in range(1, 9))


def lengths(ends_of_words: Words) -> np.typing.NDArray[np.uint8]:
    """Return the number of bytes of each integer, from its `ends`; 8 also for longer ones."""
    return (np.bitwise_count(ends_of_words) + np.uint8(1)) >> np.uint8(3)


def read(words: Words, ends_of_words: Words) -> Int64:
    """Decode the integer at the start of each word; it must end within the word."""
    packed = words & ends_of_words & np.uint64(_SEVENS)
    for high, low, shift in _steps():
        packed = ((packed & high) >> shift) | (packed & low)
    one = np.uint64(1)
    return ((packed >> one) ^ (~(packed & one) + one)).view(np.int64)
