"""The content checksum: the same for the same rows, in whatever order and file they lie.

Each row gets a hash of 64 bits, and the checksum is their sum modulo 2**64, as 16 hexadecimal
digits. With all sums and products modulo 2**64 and words little-endian:

    mix(x):     x ^= x >> 32; x *= 0xD6E8FEB86659FD93; x ^= x >> 32; x *= 0xD6E8FEB86659FD93;
                x ^= x >> 32
    text(b):    h = length of b in bytes; for each eight bytes w of b, the last padded with zeros:
                h = (h ^ w) * 0x9E3779B97F4A7C15; h ^= h >> 29
    row:        h = 0; for each field in the order of the schema: h = mix(h + 0x9E3779B97F4A7C15 +
                value), where an integer is its two's complement, a text the `text` of its UTF-8,
                and anything else the `text` of its Avro encoding.

It finds damage and rows lost, doubled or changed; it is no protection against forgery. It must
never change: manifests that were written long ago are checked against it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from shared.avro.columns import Chunk, Column, Int64, Ints, Texts, Values, Words
from shared.lazy import fastavro
from shared.lazy import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15
_MIXER = 0xD6E8FEB86659FD93
_HALF = 32
_TURN = 29
_MODULUS = 1 << 64
_WORD = 8
# Of a word, the bytes that belong to a text of which so many bytes are left.
_KEPT = tuple((1 << (8 * left)) - 1 for left in range(_WORD + 1))


class Checksum:
    """The checksum of the rows that were added, and how many there were.

    Args:
        schemas: the Avro schema of each field, parsed, by its name.
    """

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._sum = 0
        self.rows = 0

    def add(self, chunk: Chunk) -> None:
        """Add some rows; those of two calls may be swapped."""
        hashes = np.zeros(chunk.rows, np.uint64)
        for name, column in chunk.columns.items():
            hashes = _mix(hashes + _GOLDEN + self._numbers(name, column))
        self._sum = (self._sum + int(np.add.reduce(hashes))) % _MODULUS
        self.rows += chunk.rows

    @property
    def hexadecimal(self) -> str:
        """The checksum as it is written down."""
        return f"{self._sum:016x}"

    def _numbers(self, name: str, column: Column) -> Words:
        if isinstance(column, Ints):
            return column.values.view(np.uint64)
        if isinstance(column, Values):
            return _hashes(Texts.of(list(self._encoded(name, column.values))))
        return _hashes(column)

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
    if len(texts.starts) > 1 and _is_one(texts.starts) and _is_one(texts.lengths):
        # The same text again and again, as of rows that one load brought.
        first = Texts(texts.data, texts.starts[:1], texts.lengths[:1])
        return np.broadcast_to(_hashes(first), texts.starts.shape)
    words, starts, lengths = texts.words, texts.starts, texts.lengths
    found = lengths.astype(np.uint64)
    longest = int(lengths.max(initial=0))
    shortest = int(lengths.min(initial=longest))
    kept = np.array(_KEPT, np.uint64)
    for done in range(0, longest, _WORD):
        if shortest >= done + _WORD:
            # A whole word of every text: most of the work, and the least of it.
            found ^= words[starts + done]
            found *= _GOLDEN
            found ^= found >> _TURN
            continue
        more = np.flatnonzero(lengths > done)
        left = np.minimum(lengths[more] - done, _WORD)
        hashed = (found[more] ^ (words[starts[more] + done] & kept[left])) * _GOLDEN
        found[more] = hashed ^ (hashed >> _TURN)
    return found


def _is_one(values: Int64) -> bool:
    return not np.count_nonzero(values != values[0])
