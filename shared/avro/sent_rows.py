"""Receives rows from PostgreSQL: aggregated by column, or one by one."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.avro.columns import Chunk
from shared.avro.forms import Sent
from shared.avro.postgres import (
    HEAD_BYTES,
    SIGNATURE,
    StoredColumns,
    column_of,
    from_sent,
    sends,
)
from shared.errors import DatabaseRefusal
from shared.tables.column import avro_of_sent

TARGET_BYTES = 1 << 20
"""How much to receive and work at a time: small enough for the processor's caches. Measured, larger
pieces take more memory and no less time."""
_LINES = 2000


@dataclass(frozen=True)
class SentColumns:
    """Some rows, each column as PostgreSQL aggregated it.

    Attributes:
        rows: the number of rows.
        columns: the columns, each with a form in bulk.
        values: what PostgreSQL sent for each expression of each column.
    """

    rows: int
    columns: StoredColumns
    values: Sequence[Sent]

    def chunk(self) -> Chunk:
        """Decode the rows.

        Raises:
            DatabaseRefusal: Avro cannot hold a value.
            ConfigurationError: a value is NULL and must not be.
        """
        values = iter(self.values)
        columns = {
            name: from_sent(column, [next(values) for _ in sends(column)], self.rows)
            for name, column in self.columns.items()
        }
        return Chunk(self.rows, columns)


@dataclass(frozen=True)
class SentLines:
    """Some rows that were received one by one, as lines of COPY text.

    Attributes:
        rows: the number of rows.
        columns: the columns of each line.
        text: the lines.
    """

    rows: int
    columns: StoredColumns
    text: bytes

    def chunk(self) -> Chunk:
        """Decode the rows."""
        lines = [line.split("\t") for line in self.text.decode().split("\n")[:-1]]
        cells = zip(self.columns.items(), zip(*lines, strict=True), strict=True)
        return Chunk(
            self.rows,
            {
                name: column_of(column, [avro_of_sent(column, text) for text in found])
                for (name, column), found in cells
            },
        )


Take = Callable[[SentColumns | SentLines], None]


class Receiver:
    """Receives binary COPY, in which each row holds the aggregated columns of many rows of a table.

    Args:
        columns: the columns, each with a form in bulk.
        take: called with the rows of the table, some at a time.

    Attributes:
        size_bytes: the bytes received so far.
        rows: the rows received so far.
    """

    def __init__(self, columns: StoredColumns, take: Take) -> None:
        self._columns, self._take = columns, take
        self._held = b""
        self._is_begun = False
        self._gathered: list[Sequence[Sent]] = []
        self._gathered_rows = self._gathered_bytes = 0
        self.size_bytes = 0
        self.rows = 0

    def begin(self) -> "Receiver":
        """Prepare for another COPY."""
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
        """Pass on the rows that were gathered."""
        if self._gathered:
            values = [_joined(found) for found in zip(*self._gathered, strict=True)]
            self._take(SentColumns(self._gathered_rows, self._columns, values))
        self._gathered, self._gathered_rows, self._gathered_bytes = [], 0, 0

    def _gather(self, values: Sequence[memoryview], size: int) -> None:
        (rows,) = struct.unpack(">q", values[0])
        if not rows:
            return
        self.rows += rows
        self._gathered.append(values[1:])
        self._gathered_rows += rows
        self._gathered_bytes += size
        # Gather ranges with few selected rows: each later step has a cost per call.
        if 2 * self._gathered_bytes >= TARGET_BYTES:
            self.flush()


class LineReceiver:
    """Receives rows one by one, as COPY text.

    Args:
        columns: the columns of each row.
        take: called with the rows, some at a time.

    Attributes:
        rows: the rows received so far.
    """

    def __init__(self, columns: StoredColumns, take: Take) -> None:
        self._columns, self._take = columns, take
        self._lines: list[bytes] = []
        self.rows = 0

    def write(self, data: bytes, /) -> None:
        """Receive a row: the server sends each as a separate message."""
        self._lines.append(bytes(data))
        self.rows += 1
        if len(self._lines) >= _LINES:
            self.flush()

    def flush(self) -> None:
        """Pass on the rows that were gathered."""
        if self._lines:
            self._take(SentLines(len(self._lines), self._columns, b"".join(self._lines)))
        self._lines = []


def _joined(values: Sequence[Sent]) -> Sent:
    return values[0] if len(values) == 1 else b"".join(values)


def _row(sent: bytes) -> tuple[list[memoryview], int] | None:
    """Parse the row at the start, and return its values and its end; None if it is incomplete."""
    if len(sent) < 2:
        return None
    (count,) = struct.unpack_from(">h", sent)
    at, values = 2, []
    # After the last row, COPY sends a count of -1.
    for _ in range(max(count, 0)):
        if at + 4 > len(sent):
            return None
        (size,) = struct.unpack_from(">i", sent, at)
        # In a range without rows, every value but the count is null, which has a size of -1.
        at, end = at + 4, at + 4 + max(size, 0)
        values.append(memoryview(sent)[at:end])
        at = end
    return (values, at) if at <= len(sent) else None
