"""A range of a table's pages as one row: how many rows it has, and of each column all values.

Integers and moments come as eight bytes each, highest first, ids of loads as sixteen, and texts as
their lengths and then all their bytes: what PostgreSQL's own binary format makes of a value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.avro import uuids
from shared.avro.columns import Chunk, Column, Ints, Texts, Values
from shared.database.sql import composed, listed, qualified, quoted
from shared.errors import DatabaseRefusal
from shared.lazy import numpy as np
from shared.tables.kinds.timestamp import Timestamp

EPOCH_MICROS = 946_684_800_000_000
"""What PostgreSQL counts moments from, 2000-01-01, in microseconds since 1970."""

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEAD_BYTES = len(_SIGNATURE) + 8
_INFINITE = (2**63 - 1, -(2**63))

KINDS: Mapping[str, tuple[str, ...]] = {
    "bigint": ("int8send({})",),
    "timestamptz": ("timestamptz_send({})",),
    "uuid": ("uuid_send({})",),
    "text": ("int4send(octet_length({}))", "textsend({})"),
}
"""The types that are covered, and what is asked of a column of each."""

# What the others' rows are asked for: as Avro holds them, without a datetime made for each.
_BY_ROW = {
    "timestamptz": "cast(extract(epoch from {}) * 1000000 as bigint)",
    "uuid": "cast({} as text)",
}


@dataclass(frozen=True)
class Piece:
    """Some rows of a table as PostgreSQL sent them.

    Attributes:
        rows: how many.
        values: what each column was sent as.
        types: the columns and their types.
        size_bytes: how much it was.
    """

    rows: int
    values: Sequence[Any]
    types: Mapping[str, str]
    size_bytes: int = 0

    def chunk(self) -> Chunk:
        """The rows by column.

        Raises:
            DatabaseRefusal: a moment is infinite, which Avro cannot hold.
        """
        if all(kind in KINDS for kind in self.types.values()):
            columns, values = {}, iter(self.values)
            for name, kind in self.types.items():
                columns[name] = _column(kind, [next(values) for _ in KINDS[kind]])
            return Chunk(self.rows, columns)
        by_column = zip(self.types.items(), zip(*self.values, strict=True), strict=True)
        return Chunk(self.rows, {n: _listed(kind, list(found)) for (n, kind), found in by_column})


def query(table_name: str, types: Mapping[str, str], start: int, end: int, step: int) -> str:
    """The COPY of the rows of the pages from `start` to before `end`, `step` pages at a time."""
    asked = [
        f"string_agg({expression.format(quoted(name))}, '')"
        for name, kind in types.items()
        for expression in KINDS[kind]
    ]
    # The inner query is one by itself, so that it goes straight to its pages.
    return composed(
        """
        copy (
            select rows.*
            from generate_series({start}, {last}, {step}) as pages (first)
            cross join lateral (
                select
                    {values}
                from {table}
                where ctid >= cast('(' || first || ',0)' as tid)
                    and ctid < cast('(' || least(first + {step}, {end}) || ',0)' as tid)
            ) as rows
        ) to stdout (format binary)
        """,
        start=str(start),
        last=str(end - 1),
        step=str(step),
        end=str(end),
        values=listed(["int8send(count(*))", *asked]),
        table=qualified(table_name),
    )


class Receiver:
    """What the COPY of `query` is sent to; gives on each row as a piece.

    Args:
        types: the columns and their types.
        take: called with each piece.

    Attributes:
        size_bytes: how much came so far.
        rows: how many rows of the table.
    """

    def __init__(self, types: Mapping[str, str], take: Callable[[Piece], None]) -> None:
        self._types, self._take = types, take
        self._held = b""
        self._is_begun = False
        self.size_bytes = 0
        self.rows = 0

    def begin(self) -> Receiver:
        """Be ready for another COPY."""
        self._held, self._is_begun = b"", False
        return self

    def write(self, data: bytes, /) -> None:
        """Take some of what the server sends: as a rule one whole row."""
        self.size_bytes += len(data)
        self._held = self._held + data if self._held else data
        if not self._is_begun:
            if len(self._held) < _HEAD_BYTES:
                return
            if not self._held.startswith(_SIGNATURE):
                raise DatabaseRefusal("The database sent no binary COPY; it is not supported.")
            self._held, self._is_begun = self._held[_HEAD_BYTES:], True
        while self._held and (found := _row(self._held)) is not None:
            values, end = found
            self._held = self._held[end:]
            if values:
                self._give(values, end)

    def _give(self, values: Sequence[memoryview], size: int) -> None:
        (rows,) = struct.unpack(">q", values[0])
        self.rows += rows
        if rows:
            self._take(Piece(rows, values[1:], self._types, size))


def _row(sent: bytes) -> tuple[list[memoryview], int] | None:
    """The values of the row that bytes begin with, and where it ends; None where it is cut off."""
    if len(sent) < 2:
        return None
    (count,) = struct.unpack_from(">h", sent)
    at, values = 2, []
    # The end of all rows has -1 values.
    for _ in range(max(count, 0)):
        if at + 4 > len(sent):
            return None
        (size,) = struct.unpack_from(">i", sent, at)
        # Of no rows every value but their number is null.
        at, end = at + 4, at + 4 + max(size, 0)
        values.append(memoryview(sent)[at:end])
        at = end
    return (values, at) if at <= len(sent) else None


def row_query(table_name: str, types: Mapping[str, str]) -> str:
    """What gives the rows of a table one by one."""
    asked = [_BY_ROW.get(kind, "{}").format(quoted(name)) for name, kind in types.items()]
    return composed(
        """
        select
            {values}
        from {table}
        """,
        values=listed(asked),
        table=qualified(table_name),
    )


def of_rows(types: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> Piece:
    """Rows that came one by one."""
    return Piece(len(rows), rows, types)


def moments(column: Ints) -> Values:
    """Microseconds since 1970 as moments.

    Raises:
        OverflowError: one is in no year from 1 to 9999.
    """
    return Values([Timestamp.epoch + timedelta(microseconds=n) for n in column.values.tolist()])


def _column(kind: str, values: Sequence[memoryview]) -> Column:
    if kind == "uuid":
        return uuids.written(values[0])
    if kind == "text":
        lengths = np.frombuffer(values[0], ">i4").astype(np.int64)
        if int(lengths.sum()) != len(values[1]):
            raise DatabaseRefusal(
                "The database does not keep text in UTF-8; move it to one that does."
            )
        return Texts.packed(bytes(values[1]), lengths)
    numbers = np.frombuffer(values[0], ">i8").astype(np.int64)
    if kind == "timestamptz":
        if any(bool((numbers == moment).any()) for moment in _INFINITE):
            raise DatabaseRefusal("A moment is infinite, which Avro cannot hold; correct the row.")
        numbers += EPOCH_MICROS
    return Ints(numbers)


def _listed(kind: str, values: list[Any]) -> Column:
    if kind in ("bigint", "timestamptz"):
        return Ints(np.array(values, np.int64))
    if kind in ("text", "uuid"):
        return Texts.of([text.encode() for text in values])
    return Values(values)
