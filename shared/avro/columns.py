"""Rows by column, the form in which backups and exports are read, checked and written.

The texts of a column share one buffer and are processed in words of eight bytes, so a buffer is
`SLACK` bytes longer than its last text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from shared.avro.errors import AvroError
from shared.lazy import numpy as np

SLACK = 16
UUID_BYTES = 16

Int64: TypeAlias = "np.typing.NDArray[np.int64]"
Words: TypeAlias = "np.typing.NDArray[np.uint64]"

_UUID_LETTERS = 36
_HYPHENS = [8, 13, 18, 23]
# The places of a UUID's hexadecimal digits, between the hyphens.
_DIGIT_PLACES = [p for p in range(_UUID_LETTERS) if p not in _HYPHENS]
_HEXADECIMAL = b"0123456789abcdef"
_NO_DIGIT = 0xFF
# The value of each byte as a hexadecimal digit.
_DIGITS = bytes(_HEXADECIMAL.find(bytes([byte]).lower()) % 256 for byte in range(256))


@dataclass(frozen=True)
class Ints:
    """A column of 64-bit integers."""

    values: Int64

    def to_list(self) -> list[int]:
        """Return the values as Python integers."""
        found: list[int] = self.values.tolist()
        return found


@dataclass(frozen=True)
class Texts:
    """A column of texts in UTF-8.

    Attributes:
        data: the buffer that holds them all, with `SLACK` bytes after the last.
        starts: where each text begins.
        lengths: the bytes of each text.
    """

    data: bytes
    starts: Int64
    lengths: Int64

    @classmethod
    def of(cls, values: Sequence[bytes]) -> Texts:
        """Make a column of these values."""
        return cls.packed(b"".join(values), np.fromiter(map(len, values), np.int64, len(values)))

    @classmethod
    def packed(cls, data: bytes, lengths: Int64) -> Texts:
        """Make a column of texts that follow one another in `data`."""
        ends = np.cumsum(lengths)
        return cls(data + bytes(SLACK), ends - lengths, lengths)

    @cached_property
    def words(self) -> Words:
        """The eight bytes that begin at each place of the buffer."""
        return words_of(self.data)

    def raw(self) -> list[bytes]:
        """Return the texts, each as a bytes object."""
        ends = (self.starts + self.lengths).tolist()
        data = self.data
        return [data[a:b] for a, b in zip(self.starts.tolist(), ends, strict=True)]

    def to_list(self) -> list[str]:
        """Return the values as Python strings.

        Raises:
            AvroError: `damaged`, a text is not UTF-8.
        """
        try:
            return [text.decode() for text in self.raw()]
        except UnicodeDecodeError as error:
            raise AvroError(
                "damaged", "A text of the file is not UTF-8; write the file again."
            ) from error


class Binaries(Texts):
    """A column of bytes: like texts, but of any content."""

    def to_list(self) -> list[bytes]:  # type: ignore[override]
        """Return the values as bytes."""
        return self.raw()


@dataclass(frozen=True)
class Fixed:
    """A column of values of the same size each: booleans, or numbers of double precision.

    Attributes:
        values: the values, with Avro's bytes.
    """

    values: np.typing.NDArray[Any]

    def to_list(self) -> list[Any]:
        """Return the values as Python's."""
        found: list[Any] = self.values.tolist()
        return found


@dataclass(frozen=True)
class Nullable:
    """A column that has NULLs.

    Attributes:
        column: the values that are not NULL.
        present: for each row whether it has one.
        null_branch: the number of null among the two branches of the schema's union.
    """

    column: Ints | Texts | Fixed
    present: np.typing.NDArray[np.bool_]
    null_branch: int = 0

    def to_list(self) -> list[Any]:
        """Return the values, None for NULL."""
        values = iter(self.column.to_list())
        return [next(values) if there else None for there in self.present.tolist()]


@dataclass(frozen=True)
class Values:
    """A column of Python values that the bulk paths do not support."""

    values: list[Any]

    def to_list(self) -> list[Any]:
        """Return the values."""
        return self.values


Column = Ints | Texts | Fixed | Nullable | Values
DOUBLE, BOOLEAN = "<f8", "?"
"""The types of numpy of the values of `Fixed`."""


BulkForm = Literal["number", "text", "bytes", "double", "boolean"]


@dataclass(frozen=True)
class Encoding:
    """How Avro holds the values of a field that the bulk paths support.

    Attributes:
        form: their form.
        null_branch: the number of null in a union of two types; None if it is no union.
    """

    form: BulkForm
    null_branch: int | None = None

    @property
    def has_length(self) -> bool:
        """Whether each value begins with its length."""
        return self.form in ("text", "bytes")

    @property
    def size(self) -> int:
        """The bytes of each value; 0 if they differ."""
        return {"double": 8, "boolean": 1}.get(self.form, 0)


@dataclass(frozen=True)
class Chunk:
    """Some rows.

    Attributes:
        rows: the number of rows.
        columns: the columns by field name, in the order of the schema.
    """

    rows: int
    columns: Mapping[str, Column]

    @property
    def is_plain(self) -> bool:
        """Whether the bulk paths support every column."""
        return not any(isinstance(column, Values) for column in self.columns.values())

    def records(self) -> list[dict[str, Any]]:
        """Return each row as a dictionary."""
        lists = [column.to_list() for column in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*lists, strict=True)]


def window_of(data: bytes | bytearray, size: int) -> np.typing.NDArray[np.void]:
    """View the `size` bytes that begin at each place of a buffer."""
    places = max(len(data) - size + 1, 0)
    return np.ndarray((places,), f"V{size}", buffer=data, strides=(1,))


def words_of(data: bytes | bytearray) -> Words:
    """View the eight bytes that begin at each place of a buffer as little-endian words."""
    return np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))


def uuid_texts(packed: bytes | memoryview) -> Texts:
    """Convert UUIDs of sixteen bytes each to text."""
    halves = np.frombuffer(packed, np.uint64).reshape(-1, 2)
    # Rows of one load are mostly next to each other, so a repeated UUID is converted once.
    is_other = (halves[1:] != halves[:-1]).any(axis=1)
    runs = np.concatenate(([0], np.cumsum(is_other)))[: len(halves)]
    firsts = np.concatenate(([0], np.flatnonzero(is_other) + 1))[: len(halves)]
    raw = halves[firsts].view(np.uint8).reshape(-1, UUID_BYTES)
    letters = np.empty((len(raw), _UUID_LETTERS), np.uint8)
    letters[:, _HYPHENS] = ord("-")
    hexadecimal = np.frombuffer(_HEXADECIMAL, np.uint8)
    letters[:, _DIGIT_PLACES[::2]] = hexadecimal[raw >> 4]
    letters[:, _DIGIT_PLACES[1::2]] = hexadecimal[raw & 15]
    lengths = np.full(len(halves), _UUID_LETTERS, np.int64)
    return Texts(letters.tobytes() + bytes(SLACK), runs * _UUID_LETTERS, lengths)


def uuid_bytes(texts: Texts, error: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Convert UUIDs from text to bytes, sixteen for each row.

    Args:
        texts: the UUIDs.
        error: the sentence for a text that is not a UUID.

    Raises:
        AvroError: `bad_rows`, a text is not a UUID.
    """
    if not bool((texts.lengths == _UUID_LETTERS).all()):
        raise AvroError("bad_rows", error)
    windows = window_of(texts.data, _UUID_LETTERS)[texts.starts]
    letters = windows.view(np.uint8).reshape(-1, _UUID_LETTERS)
    digits = np.frombuffer(_DIGITS, np.uint8)[letters[:, _DIGIT_PLACES]]
    if bool((digits == _NO_DIGIT).any()) or not bool((letters[:, _HYPHENS] == ord("-")).all()):
        raise AvroError("bad_rows", error)
    return np.ascontiguousarray((digits[:, ::2] << 4) | digits[:, 1::2])
