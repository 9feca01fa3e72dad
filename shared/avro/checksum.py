"""The content checksum: the same for the same rows, whatever their order and file.

Each row has a hash of 64 bits; the checksum is the sum of all hashes modulo 2**64, as 16
hexadecimal digits. With all sums and products modulo 2**64 and words little-endian:

    mix(x):     x ^= x >> 32; x *= 0xD6E8FEB86659FD93; x ^= x >> 32; x *= 0xD6E8FEB86659FD93;
                x ^= x >> 32
    text(b):    h = length of b in bytes; for each eight bytes w of b, the last padded with zeros:
                h = (h ^ w) * 0x9E3779B97F4A7C15; h ^= h >> 29
    row:        h = 0; for each field in the order of the schema: h = mix(h + 0x9E3779B97F4A7C15 +
                value), where an integer is its two's complement, a text the `text` of its UTF-8,
                and anything else the `text` of its Avro encoding.

It detects damage and rows that were lost, repeated or changed, but not forgery. The definition must
never change: manifests written years ago are checked against it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from shared.avro import binary
from shared.avro.columns import Chunk, Column, Int64, Ints, Texts, Values, Words
from shared.lazy import fastavro
from shared.lazy import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15
_MIXER = 0xD6E8FEB86659FD93
_HALF = 32
_SHIFT = 29
_MODULUS = 1 << 64
_WORD = 8
# By the number of bytes left of a text: the part of its last word that belongs to it.
_LAST_WORD = tuple((1 << (8 * left)) - 1 for left in range(_WORD + 1))


class Checksum:
    """The checksum of the rows added so far.

    Args:
        schemas: the parsed Avro schema of each field, by its name.

    Attributes:
        rows: the number of rows added so far.
    """

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._sum = 0
        self.rows = 0

    def add(self, chunk: Chunk) -> None:
        """Add some rows; the order of rows and of calls does not matter."""
        hashes = np.zeros(chunk.rows, np.uint64)
        for name, column in chunk.columns.items():
            hashes = _mix(hashes + _GOLDEN + self._numbers(name, column))
        self._sum = (self._sum + int(np.add.reduce(hashes))) % _MODULUS
        self.rows += chunk.rows

    @property
    def hexadecimal(self) -> str:
        """Return the checksum as 16 hexadecimal digits, as manifests hold it."""
        return f"{self._sum:016x}"

    def _numbers(self, name: str, column: Column) -> Words:
        if isinstance(column, Ints):
            return column.values.view(np.uint64)
        if isinstance(column, Values):
            return _hashes(Texts.of(list(self._encoded(name, column.values))))
        if type(column) is Texts:
            return _hashes(column)
        return _hashes(binary.encoded_values(column))

    def _encoded(self, name: str, values: Iterable[Any]) -> Iterable[bytes]:
        for value in values:
            sink = io.BytesIO()
            fastavro.schemaless_writer(sink, self._schemas[name], value)
            yield sink.getvalue()


def _mix(numbers: Words) -> Words:
    for _ in range(2):
        numbers ^= numbers >> _HALF
        numbers *= _MIXER
    numbers ^= numbers >> _HALF
    return numbers


def _hashes(texts: Texts) -> Words:
    if len(texts.starts) > 1 and _are_same(texts.starts) and _are_same(texts.lengths):
        # The same text in all rows, such as the load_id of one load's rows.
        first = Texts(texts.data, texts.starts[:1], texts.lengths[:1])
        return np.broadcast_to(_hashes(first), texts.starts.shape)
    words, starts, lengths = texts.words, texts.starts, texts.lengths
    found = lengths.astype(np.uint64)
    longest = int(lengths.max(initial=0))
    shortest = int(lengths.min(initial=longest))
    last_word = np.array(_LAST_WORD, np.uint64)
    for done in range(0, longest, _WORD):
        if shortest >= done + _WORD:
            # A whole word of every text: the usual case, and the fastest.
            found ^= words[starts + done]
            found *= _GOLDEN
            found ^= found >> _SHIFT
            continue
        more = np.flatnonzero(lengths > done)
        left = np.minimum(lengths[more] - done, _WORD)
        hashed = (found[more] ^ (words[starts[more] + done] & last_word[left])) * _GOLDEN
        found[more] = hashed ^ (hashed >> _SHIFT)
    return found


def _are_same(values: Int64) -> bool:
    return not np.count_nonzero(values != values[0])
