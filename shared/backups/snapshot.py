"""Tables as they are at one moment, streamed from PostgreSQL by column.

PostgreSQL itself puts each column of the rows of some pages into one value. Sent row by row, as
COPY does otherwise, a million rows are a million messages, and it is these that take the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from shared.backups import arrays
from shared.backups.arrays import Piece
from shared.database.copy import copy_out
from shared.database.engine import transaction
from shared.database.sql import composed, qualified
from shared.errors import PermanentError
from shared.lazy import sqlalchemy as sa
from shared.tables.table import Table

# Small enough for the processor's caches; measured, larger ones take more memory and no less time.
_TARGET_BYTES = 1 << 20
_FIRST_PAGES, _MOST_PAGES = 64, 1024
_RANGES_A_STREAM = 64
_ROWS_A_FETCH = 2000
_OWN_TYPES = {"accepted_at": "timestamptz", "load_id": "uuid"}


class SnapshotDiffers(PermanentError):
    """What was read of a table is not all that the snapshot has of it."""


@dataclass(frozen=True)
class Snapshot:
    """One moment of the database.

    Attributes:
        connection: inside the transaction that sees it.
        taken_at: the moment.
    """

    connection: sa.Connection
    taken_at: datetime

    def send(self, table: Table, take: Callable[[Piece], None]) -> None:
        """Give on the rows of a table, some at a time, as PostgreSQL sends them.

        Raises:
            SnapshotDiffers: they were not all the table's rows.
            DatabaseUnavailable, DatabaseBusy: try again later.
        """
        types = column_types(table)
        covered = all(kind in arrays.KINDS for kind in types.values())
        sent = self._in_bulk(table, take) if covered else self._one_by_one(table, take)
        there = self.connection.exec_driver_sql(count_sql(table)).scalar_one()
        if sent != there:
            raise SnapshotDiffers(
                f"Of {there} rows of {table.name}, {sent} were read; take the backup again."
            )

    def _in_bulk(self, table: Table, take: Callable[[Piece], None]) -> int:
        types = column_types(table)
        receiver = arrays.Receiver(types, take)
        pages, start, step = self._pages(table), 0, _FIRST_PAGES
        while start < pages:
            # One range to see how large they are, then many in a stream.
            end = min(start + (step * _RANGES_A_STREAM if start else step), pages)
            before = receiver.size_bytes
            query = arrays.query(table.name, types, start, end, step)
            copy_out(self.connection, query, receiver.begin())
            page_bytes = (receiver.size_bytes - before) // (end - start) + 1
            step, start = min(max(_TARGET_BYTES // page_bytes, 1), _MOST_PAGES), end
        return receiver.rows

    def _pages(self, table: Table) -> int:
        query = "select pg_relation_size(cast(:name as regclass)), current_setting('block_size')"
        name = {"name": qualified(table.name)}
        table_bytes, page_bytes = self.connection.execute(sa.text(query), name).one()
        return -(-int(table_bytes) // int(page_bytes))

    def _one_by_one(self, table: Table, take: Callable[[Piece], None]) -> int:
        types = column_types(table)
        sent = 0
        query = arrays.row_query(table.name, types)
        self.connection.exec_driver_sql(f"declare backed_up no scroll cursor for {query}")
        fetch = f"fetch {_ROWS_A_FETCH} from backed_up"
        while found := self.connection.exec_driver_sql(fetch).all():
            take(arrays.of_rows(types, [tuple(row) for row in found]))
            sent += len(found)
        self.connection.exec_driver_sql("close backed_up")
        return sent


@contextmanager
def snapshot(
    engine: sa.Engine, tables: Sequence[Table], lock_timeout_seconds: int
) -> Iterator[Snapshot]:
    """One moment of these tables, for as long as the context lasts.

    Loads go on meanwhile; what would rewrite or empty a table waits.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        # All of them, and before the moment is fixed: one emptied by TRUNCATE would seem empty.
        connection.exec_driver_sql(lock_sql(tables))
        # By one process, and straight to the pages of each range.
        connection.exec_driver_sql("set local max_parallel_workers_per_gather = 0")
        connection.exec_driver_sql("set local enable_seqscan = off")
        yield Snapshot(connection, connection.scalar(sa.text("select clock_timestamp()")))


def count_sql(table: Table) -> str:
    """Count the rows of a table."""
    return composed("select count(*)\nfrom {table}", table=qualified(table.name))


def lock_sql(tables: Sequence[Table]) -> str:
    """Lock tables against what would rewrite or empty them."""
    return composed(
        "lock table {tables}\nin access share mode",
        tables=", ".join(qualified(table.name) for table in tables),
    )


def column_types(table: Table) -> dict[str, str]:
    """The columns of a stored row and their types in PostgreSQL."""
    return {name: field.postgres_type for name, field in table.fields.items()} | _OWN_TYPES
