"""Avro's integers, many at once: zigzag, then seven bits a byte, the lowest first.

Source: Apache Avro 1.11 specification, "Binary Encoding".

An integer of up to 56 bits has at most eight bytes, so it is made and taken apart within one word;
the few that have more get a second word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from shared.avro.columns import Int64, Words
from shared.lazy import numpy as np

_SEVENS = 0x7F7F7F7F7F7F7F7F
_MORE = 0x8080808080808080
_IN_ONE_WORD = 1 << 56
# Groups of 7, 14 and 28 bits on their way between packed and one to a byte.
_STEPS = (
    (0x7F007F007F007F00, 0x007F007F007F007F, 1),
    (0x3FFF00003FFF0000, 0x00003FFF00003FFF, 2),
    (0x0FFFFFFF00000000, 0x000000000FFFFFFF, 4),
)


@cache
def _steps() -> tuple[tuple[np.uint64, np.uint64, np.uint64], ...]:
    return tuple((np.uint64(high), np.uint64(low), np.uint64(shift)) for high, low, shift in _STEPS)


@dataclass(frozen=True)
class Written:
    """Integers as Avro writes them.

    Attributes:
        words: the first eight bytes of each; those beyond its length are zero.
        lengths: how many bytes each has.
        long: the places of those with more than eight bytes.
        rest: the bytes of these from the ninth on.
    """

    words: Words
    lengths: Int64
    long: Int64
    rest: Words


def write(values: Int64) -> Written:
    """Integers as Avro writes them."""
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
        return Written(spread | (more & followed), lengths, none, no_words)
    long = np.flatnonzero(lengths > 8)
    followed[long] = ~np.uint64(0)
    rest = zigzag[long] >> np.uint64(56)
    rest = (rest & np.uint64(0x7F)) | ((rest >> np.uint64(7)) << np.uint64(8))
    rest |= (lengths[long] > 9).astype(np.uint64) << np.uint64(7)
    return Written(spread | (more & followed), lengths, long, rest)


def _repeated(one: Written, times: int) -> Written:
    long = np.arange(times if len(one.long) else 0)
    return Written(
        np.repeat(one.words, times),
        np.repeat(one.lengths, times),
        long,
        np.repeat(one.rest, times),
    )


def ends(words: Words) -> Words:
    """For each word, ones up to the end of the integer it begins with; all ones if it has none."""
    more = np.uint64(_MORE)
    marks = (words & more) ^ more
    return (marks - np.uint64(1)) & ~marks


@dataclass(frozen=True)
class Shape:
    """What the words of integers of one length have in common.

    Attributes:
        size: the length, 8 bytes at most.
        mask: the bits that tell of it.
        bits: what they are.
    """

    size: int
    mask: int
    bits: int

    def has_all(self, words: Words) -> bool:
        """Whether the integers that words begin with all have that length."""
        return not np.count_nonzero((words & self.mask) != self.bits)


def shape(size: int) -> Shape:
    """The shape of that length."""
    mask = _MORE & ((1 << (8 * size)) - 1)
    return Shape(size, mask, mask & ~(0x80 << (8 * (size - 1))))


SHAPES = tuple(shape(size) for size in range(1, 9))


def lengths(ends_of_words: Words) -> np.typing.NDArray[np.uint8]:
    """How many bytes each integer has, from its `ends`; 8 too where it has more."""
    return (np.bitwise_count(ends_of_words) + np.uint8(1)) >> np.uint8(3)


def read(words: Words, ends_of_words: Words) -> Int64:
    """The integers that words begin with, each within its word."""
    packed = words & ends_of_words & np.uint64(_SEVENS)
    for high, low, shift in _steps():
        packed = ((packed & high) >> shift) | (packed & low)
    return unzigzag(packed)


def unzigzag(packed: Words) -> Int64:
    """Signed integers from zigzag."""
    one = np.uint64(1)
    return ((packed >> one) ^ (~(packed & one) + one)).view(np.int64)
