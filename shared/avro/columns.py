"""Rows by column: what backups are read, checked and written in.

Texts lie in one buffer, wherever they came from, and are worked on in words of eight bytes; so a
buffer has `SLACK` bytes more than its last text needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from shared.lazy import numpy as np

SLACK = 16

Int64: TypeAlias = "np.typing.NDArray[np.int64]"
Words: TypeAlias = "np.typing.NDArray[np.uint64]"


@dataclass(frozen=True)
class Ints:
    """A column of 64-bit integers; moments are microseconds since 1970 in UTC."""

    values: Int64

    def to_list(self) -> list[int]:
        """The values as Python has them."""
        found: list[int] = self.values.tolist()
        return found


@dataclass(frozen=True)
class Texts:
    """A column of texts in UTF-8.

    Attributes:
        data: what holds them all, and `SLACK` bytes more.
        starts: where each begins.
        lengths: how many bytes each has.
    """

    data: bytes
    starts: Int64
    lengths: Int64

    @classmethod
    def of(cls, values: Sequence[bytes]) -> Texts:
        """A column of these values."""
        return cls.packed(b"".join(values), np.fromiter(map(len, values), np.int64, len(values)))

    @classmethod
    def packed(cls, data: bytes, lengths: Int64) -> Texts:
        """A column of texts that lie one after the other."""
        ends = np.cumsum(lengths)
        return cls(data + bytes(SLACK), ends - lengths, lengths)

    @cached_property
    def words(self) -> Words:
        """The eight bytes from every place of the buffer on."""
        return words_of(self.data)

    def raw(self) -> list[bytes]:
        """The texts, each by itself."""
        ends = (self.starts + self.lengths).tolist()
        data = self.data
        return [data[a:b] for a, b in zip(self.starts.tolist(), ends, strict=True)]

    def to_list(self) -> list[str]:
        """The values as Python has them.

        Raises:
            UnicodeDecodeError: one is not UTF-8.
        """
        return [text.decode() for text in self.raw()]


@dataclass(frozen=True)
class Values:
    """A column of values that no bulk path covers, as Python has them."""

    values: list[Any]

    def to_list(self) -> list[Any]:
        """The values."""
        return self.values


Column = Ints | Texts | Values


@dataclass(frozen=True)
class Chunk:
    """Some rows.

    Attributes:
        rows: how many.
        columns: their values by the field's name, in the order of the schema.
    """

    rows: int
    columns: Mapping[str, Column]

    @property
    def is_plain(self) -> bool:
        """Whether the bulk paths cover it."""
        return not any(isinstance(column, Values) for column in self.columns.values())

    def records(self) -> list[dict[str, Any]]:
        """The rows one by one."""
        lists = [column.to_list() for column in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*lists, strict=True)]


def column_of(values: list[Any]) -> Column:
    """The column that holds these values best."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return Ints(np.array(values, np.int64))
    if kinds == {str}:
        return Texts.of([text.encode() for text in values])
    return Values(values)


def window_of(data: bytes | bytearray, size: int) -> np.typing.NDArray[np.void]:
    """So many bytes from every place of a buffer on."""
    places = max(len(data) - size + 1, 0)
    return np.ndarray((places,), f"V{size}", buffer=data, strides=(1,))


def words_of(data: bytes | bytearray) -> Words:
    """The eight bytes from every place of a buffer on, as little-endian words."""
    return np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
