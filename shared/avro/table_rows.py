"""The rows of a table by column, streamed from PostgreSQL.

PostgreSQL itself aggregates each column of the rows in some pages into one value. COPY otherwise
sends each row as a message of its own, and for a million rows the messages take most of the time.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from shared.avro.columns import Chunk
from shared.avro.postgres import HEAD_BYTES, SIGNATURE, TYPES, Sent, column_of, is_bulk, selected
from shared.database.copy import copy_out
from shared.database.sql import quoted
from shared.errors import DatabaseRefusal

# Small enough for the processor's caches; measured, larger ones take more memory and no less time.
_TARGET_BYTES = 1 << 20
_FIRST_PAGES, _MOST_PAGES = 64, 256
_RANGES_A_STREAM = 64
_ROWS_A_FETCH = 2000


@dataclass(frozen=True)
class Selection:
    """Rows of a table.

    Attributes:
        table_name: the table.
        types: the columns to read, and their types in PostgreSQL.
        condition: an SQL condition for the rows to read; empty for all rows.
    """

    table_name: str
    types: Mapping[str, str]
    condition: str = ""


@dataclass(frozen=True)
class SentColumns:
    """Some rows, each column as PostgreSQL aggregated it.

    Attributes:
        rows: the number of rows.
        types: the columns and their types.
        values: what PostgreSQL sent for each expression of each column.
    """

    rows: int
    types: Mapping[str, str]
    values: Sequence[Sent]

    def chunk(self) -> Chunk:
        """Decode the rows.

        Raises:
            DatabaseRefusal: a value is one that Avro cannot hold.
        """
        values = iter(self.values)
        columns = {
            name: TYPES[kind].from_sent([next(values) for _ in TYPES[kind].sent])
            for name, kind in self.types.items()
        }
        return Chunk(self.rows, columns)


@dataclass(frozen=True)
class SentRows:
    """Some rows that were selected one by one.

    Attributes:
        types: the columns and their types.
        values: the rows.
    """

    types: Mapping[str, str]
    values: Sequence[Sequence[Any]]

    def chunk(self) -> Chunk:
        """The rows by column."""
        columns = zip(self.types.items(), zip(*self.values, strict=True), strict=True)
        return Chunk(
            len(self.values),
            {name: column_of(kind, list(found)) for (name, kind), found in columns},
        )


Take = Callable[[SentColumns | SentRows], None]


def send(connection: sa.Connection, selection: Selection, take: Take) -> int:
    """Call `take` with the selected rows, some at a time.

    Args:
        connection: inside the transaction that sees the rows.
        selection: the rows.
        take: what to do with some rows.

    Returns:
        The number of rows.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    if is_bulk(selection.types):
        with _page_scans(connection):
            return _send_in_bulk(connection, selection, take)
    return _send_one_by_one(connection, selection, take)


@contextmanager
def _page_scans(connection: sa.Connection) -> Iterator[None]:
    """Have queries go straight to the pages of each range, in one process."""
    settings = {"enable_seqscan": "off", "max_parallel_workers_per_gather": "0"}
    for name, value in settings.items():
        connection.exec_driver_sql(f"set local {name} = {value}")
    yield
    for name in settings:
        connection.exec_driver_sql(f"set local {name} to default")


def _send_in_bulk(connection: sa.Connection, selection: Selection, take: Take) -> int:
    receiver = _Receiver(selection.types, take)
    pages, start, step = _pages(connection, selection.table_name), 0, _FIRST_PAGES
    while start < pages:
        # One range to measure how large pages are, then many ranges in a stream.
        end = min(start + (step * _RANGES_A_STREAM if start else step), pages)
        before = receiver.size_bytes
        copy_out(connection, range_query(selection, start, end, step), receiver.begin())
        page_bytes = (receiver.size_bytes - before) // (end - start) + 1
        step, start = min(max(_TARGET_BYTES // page_bytes, 1), _MOST_PAGES), end
    receiver.flush()
    return receiver.rows


def _pages(connection: sa.Connection, table_name: str) -> int:
    query = "select pg_relation_size(cast(:name as regclass)), current_setting('block_size')"
    name = {"name": f"public.{quoted(table_name)}"}
    table_bytes, page_bytes = connection.execute(sa.text(query), name).one()
    return -(-int(table_bytes) // int(page_bytes))


def range_query(selection: Selection, start: int, end: int, step: int) -> str:
    """The COPY of the rows in pages from `start` to before `end`, with a row per `step` pages."""
    aggregated = [
        f"string_agg({expression.format(quoted(name))}, '')"
        for name, kind in selection.types.items()
        for expression in TYPES[kind].sent
    ]
    # Names of the dictionary, quoted, and numbers. The inner query is one by itself, so that it
    # goes straight to its pages.
    return f"""
        copy (
            select sent.*
            from generate_series({start}, {end - 1}, {step}) as ranges (first)
            cross join lateral (
                select {", ".join(["int8send(count(*))", *aggregated])}
                from public.{quoted(selection.table_name)} as source
                where ctid >= cast('(' || ranges.first || ',0)' as tid)
                    and ctid < cast('(' || least(ranges.first + {step}, {end}) || ',0)' as tid)
                    {f"and ({selection.condition})" if selection.condition else ""}
            ) sent
        ) to stdout (format binary)
    """  # noqa: S608


class _Receiver:
    """Receives the COPY of `range_query`, and gives on the rows of enough ranges at a time.

    Attributes:
        size_bytes: the bytes received so far.
        rows: the rows received so far.
    """

    def __init__(self, types: Mapping[str, str], take: Take) -> None:
        self._types, self._take = types, take
        self._held = b""
        self._is_begun = False
        self._gathered: list[Sequence[Sent]] = []
        self._gathered_rows = self._gathered_bytes = 0
        self.size_bytes = 0
        self.rows = 0

    def begin(self) -> "_Receiver":
        """Be ready for another COPY."""
        self._held, self._is_begun = b"", False
        return self

    def write(self, data: bytes, /) -> None:
        """Receive some of what the server sends: usually one whole row."""
        self.size_bytes += len(data)
        self._held = self._held + data if self._held else data
        if not self._is_begun:
            if len(self._held) < HEAD_BYTES:
                return
            if not self._held.startswith(SIGNATURE):
                raise DatabaseRefusal("The database did not send binary COPY; use PostgreSQL.")
            self._held, self._is_begun = self._held[HEAD_BYTES:], True
        while self._held and (found := _row(self._held)) is not None:
            values, end = found
            self._held = self._held[end:]
            if values:
                self._gather(values, end)

    def flush(self) -> None:
        """Give on the rows that were gathered."""
        if self._gathered:
            values = [_joined(found) for found in zip(*self._gathered, strict=True)]
            self._take(SentColumns(self._gathered_rows, self._types, values))
        self._gathered, self._gathered_rows, self._gathered_bytes = [], 0, 0

    def _gather(self, values: Sequence[memoryview], size: int) -> None:
        (rows,) = struct.unpack(">q", values[0])
        if not rows:
            return
        self.rows += rows
        self._gathered.append(values[1:])
        self._gathered_rows += rows
        self._gathered_bytes += size
        # Ranges with few selected rows are gathered: each step further on has a price per call.
        if 2 * self._gathered_bytes >= _TARGET_BYTES:
            self.flush()


def _joined(values: Sequence[Sent]) -> Sent:
    return values[0] if len(values) == 1 else b"".join(values)


def _row(sent: bytes) -> tuple[list[memoryview], int] | None:
    """The values of the row at the start, and where it ends; None if it is incomplete."""
    if len(sent) < 2:
        return None
    (count,) = struct.unpack_from(">h", sent)
    at, values = 2, []
    # After the last row comes a count of -1.
    for _ in range(max(count, 0)):
        if at + 4 > len(sent):
            return None
        (size,) = struct.unpack_from(">i", sent, at)
        # In a range without rows every value but the count is null, with a size of -1.
        at, end = at + 4, at + 4 + max(size, 0)
        values.append(memoryview(sent)[at:end])
        at = end
    return (values, at) if at <= len(sent) else None


def _send_one_by_one(connection: sa.Connection, selection: Selection, take: Take) -> int:
    sent = 0
    query = _row_query(selection)
    connection.exec_driver_sql(f"declare table_rows no scroll cursor for {query}")
    fetch = f"fetch {_ROWS_A_FETCH} from table_rows"
    while found := connection.exec_driver_sql(fetch).all():
        take(SentRows(selection.types, [tuple(row) for row in found]))
        sent += len(found)
    connection.exec_driver_sql("close table_rows")
    return sent


def _row_query(selection: Selection) -> str:
    columns = ", ".join(selected(name, kind) for name, kind in selection.types.items())
    condition = f" where {selection.condition}" if selection.condition else ""
    # Names of the dictionary, quoted.
    return f"select {columns} from public.{quoted(selection.table_name)}{condition}"  # noqa: S608
