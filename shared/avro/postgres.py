"""Columns as PostgreSQL's COPY sends them, and as it takes them, in bulk.

PostgreSQL aggregates a column of many rows into one value: integers and timestamps as eight bytes
each, highest first, UUIDs as sixteen, and texts as their lengths and then all their bytes. These
are its own binary formats, which COPY also takes for the values of single rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.avro.binary import copy_texts
from shared.avro.columns import (
    SLACK,
    UUID_BYTES,
    Chunk,
    Column,
    Int64,
    Ints,
    Texts,
    Values,
    uuid_bytes,
    uuid_texts,
    window_of,
)
from shared.avro.errors import AvroError
from shared.database.sql import quoted
from shared.errors import DatabaseRefusal
from shared.lazy import numpy as np
from shared.tables.table import Table

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEAD_BYTES = len(SIGNATURE) + 8

# PostgreSQL counts timestamps from 2000-01-01; this is that moment in microseconds since 1970.
_EPOCH_MICROS = 946_684_800_000_000
_INFINITE = (2**63 - 1, -(2**63))
_HEAD = SIGNATURE + bytes(8)
_TAIL = b"\xff\xff"
_OWN_TYPES = {"accepted_at": "timestamptz", "load_id": "uuid"}

Sent = bytes | memoryview
Part = tuple[str, Any]
"""Values of a fixed size in each row: numpy's type of them, and the values."""


@dataclass(frozen=True)
class ColumnType:
    """How columns of one type go from PostgreSQL and back.

    Attributes:
        sent: the expressions to aggregate, with a place for the column's name.
        from_sent: makes a column of what each expression gave for all rows.
        selected: the expression that gives one row's value as Avro holds it.
        from_selected: makes a column of such values.
        to_copy: what COPY's binary format has for the column in each row: parts, and texts.
    """

    sent: tuple[str, ...]
    from_sent: Callable[[Sequence[Sent]], Column]
    selected: str
    from_selected: Callable[[list[Any]], Column]
    to_copy: Callable[[Column], Sequence[Part | Texts]]


def column_types(table: Table) -> dict[str, str]:
    """The columns of a stored row and their types in PostgreSQL."""
    return {name: field.postgres_type for name, field in table.fields.items()} | _OWN_TYPES


def is_bulk(types: Mapping[str, str]) -> bool:
    """Whether columns of these types can be sent in bulk."""
    return all(kind in TYPES for kind in types.values())


def selected(name: str, kind: str) -> str:
    """The expression that gives one row's value of a column of any type."""
    return (TYPES[kind].selected if kind in TYPES else "{}").format(quoted(name))


def column_of(kind: str, values: list[Any]) -> Column:
    """The column of values that were selected one by one, of any type."""
    return TYPES[kind].from_selected(values) if kind in TYPES else Values(values)


def can_copy(chunk: Chunk, types: Mapping[str, str]) -> bool:
    """Whether `to_copy` supports these rows."""
    *_, last = types.values()
    return chunk.is_plain and last == "uuid" and is_bulk(types)


def to_copy(chunk: Chunk, types: Mapping[str, str]) -> bytes:
    """Rows in the binary format of COPY.

    Args:
        chunk: the rows, one at least, with the columns of `types`.
        types: the columns in their order, and their types in PostgreSQL.

    Raises:
        AvroError: `bad_rows`, a value does not fit its type.
    """
    segments = list(_segments(chunk, types))
    sizes = np.zeros(chunk.rows, np.int64)
    for segment in segments:
        sizes += segment.lengths if isinstance(segment, Texts) else segment.itemsize
    ends = np.cumsum(sizes)
    buffer = bytearray(int(ends[-1]) + SLACK)
    at = ends - sizes
    for segment in segments:
        if isinstance(segment, Texts):
            # The last word of a text spills into what follows it, which is written next.
            copy_texts(segment, buffer, at)
            at += segment.lengths
        else:
            window_of(buffer, segment.itemsize)[at] = segment
            at += segment.itemsize
    return b"".join((_HEAD, memoryview(buffer)[: int(ends[-1])], _TAIL))


def _segments(chunk: Chunk, types: Mapping[str, str]) -> list[Texts | np.typing.NDArray[np.void]]:
    """What follows one another in a row: texts, and between them everything of a fixed size."""
    found: list[Texts | np.typing.NDArray[np.void]] = []
    parts: list[Part] = [(">i2", np.int16(len(types)))]
    for name, kind in types.items():
        for part in TYPES[kind].to_copy(chunk.columns[name]):
            if isinstance(part, Texts):
                found += [_fixed(parts, chunk.rows), part]
                parts = []
            else:
                parts.append(part)
    return [*found, _fixed(parts, chunk.rows)]


def _fixed(parts: list[Part], rows: int) -> np.typing.NDArray[np.void]:
    kinds = [(f"f{place}", kind) for place, (kind, _) in enumerate(parts)]
    laid = np.empty(rows, np.dtype(kinds))
    for (name, _), (_, values) in zip(kinds, parts, strict=True):
        laid[name] = values
    return laid.view(f"V{laid.itemsize}")


def _integers_sent(sent: Sequence[Sent]) -> Column:
    return Ints(np.frombuffer(sent[0], ">i8").astype(np.int64))


def _integers_selected(values: list[Any]) -> Column:
    return Ints(np.array(values, np.int64))


def _integers_to_copy(column: Column) -> Sequence[Part | Texts]:
    return [(">i4", 8), (">i8", _ints(column))]


def _timestamps_sent(sent: Sequence[Sent]) -> Column:
    numbers = np.frombuffer(sent[0], ">i8").astype(np.int64)
    if any(bool((numbers == moment).any()) for moment in _INFINITE):
        raise DatabaseRefusal("A timestamp is infinite, which Avro cannot hold; correct the row.")
    return Ints(numbers + _EPOCH_MICROS)


def _timestamps_to_copy(column: Column) -> Sequence[Part | Texts]:
    return [(">i4", 8), (">i8", _ints(column) - _EPOCH_MICROS)]


def _uuids_sent(sent: Sequence[Sent]) -> Column:
    return uuid_texts(sent[0])


def _uuids_to_copy(column: Column) -> Sequence[Part | Texts]:
    raw = uuid_bytes(_texts(column)).view(f"V{UUID_BYTES}").reshape(-1)
    return [(">i4", UUID_BYTES), (f"V{UUID_BYTES}", raw)]


def _texts_sent(sent: Sequence[Sent]) -> Column:
    lengths = np.frombuffer(sent[0], ">i4").astype(np.int64)
    if int(lengths.sum()) != len(sent[1]):
        raise DatabaseRefusal(
            "The database does not store text in UTF-8; move it to one that does."
        )
    return Texts.packed(bytes(sent[1]), lengths)


def _texts_selected(values: list[Any]) -> Column:
    return Texts.of([text.encode() for text in values])


def _texts_to_copy(column: Column) -> Sequence[Part | Texts]:
    texts = _texts(column)
    return [(">i4", texts.lengths), texts]


def _ints(column: Column) -> Int64:
    if not isinstance(column, Ints):
        raise _misfit("numbers")
    return column.values


def _texts(column: Column) -> Texts:
    if not isinstance(column, Texts):
        raise _misfit("texts")
    return column


def _misfit(wanted: str) -> AvroError:
    return AvroError(
        "bad_rows", f"A column of the file does not hold {wanted}, as the table's does."
    )


TYPES: Mapping[str, ColumnType] = {
    "bigint": ColumnType(
        ("int8send({})",), _integers_sent, "{}", _integers_selected, _integers_to_copy
    ),
    "timestamptz": ColumnType(
        ("timestamptz_send({})",),
        _timestamps_sent,
        # As microseconds, without a datetime for each value.
        "cast(extract(epoch from {}) * 1000000 as bigint)",
        _integers_selected,
        _timestamps_to_copy,
    ),
    "uuid": ColumnType(
        ("uuid_send({})",), _uuids_sent, "cast({} as text)", _texts_selected, _uuids_to_copy
    ),
    "text": ColumnType(
        ("int4send(octet_length({}))", "textsend({})"),
        _texts_sent,
        "{}",
        _texts_selected,
        _texts_to_copy,
    ),
}
"""The types that go in bulk, by their names in PostgreSQL."""
