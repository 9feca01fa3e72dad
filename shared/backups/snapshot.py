"""Snapshots: tables as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from shared.avro import table_rows
from shared.avro.sent_rows import Take
from shared.avro.table_rows import Selection
from shared.database.engine import transaction
from shared.database.sql import composed, qualified
from shared.errors import PermanentError
from shared.lazy import sqlalchemy as sa
from shared.tables import stored
from shared.tables.table import Table


class SnapshotDiffers(PermanentError):
    """The number of rows read from a table differs from the number in the snapshot."""


@dataclass(frozen=True)
class Snapshot:
    """One moment of the database.

    Attributes:
        connection: inside the transaction that sees this moment.
        taken_at: the moment.
    """

    connection: sa.Connection
    taken_at: datetime

    def send(self, table: Table, take: Take) -> None:
        """Call `take` with the rows of a table, some at a time.

        Raises:
            SnapshotDiffers: some of the table's rows were not sent.
            DatabaseUnavailable, DatabaseBusy: try again later.
        """
        sent = table_rows.send(self.connection, Selection(table.name, stored.columns(table)), take)
        there = self.connection.exec_driver_sql(count_sql(table)).scalar_one()
        if sent != there:
            raise SnapshotDiffers(
                f"Of {there} rows of {table.name}, {sent} were read; take the backup again."
            )


@contextmanager
def snapshot(
    engine: sa.Engine, tables: Sequence[Table], lock_timeout_seconds: int
) -> Iterator[Snapshot]:
    """Take a snapshot of these tables for as long as the context lasts.

    Loads continue meanwhile; anything that would rewrite or empty a table waits.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        # Lock all tables before the snapshot: one that TRUNCATE empties later would look empty.
        connection.exec_driver_sql(lock_sql(tables))
        yield Snapshot(connection, connection.scalar(sa.text("select clock_timestamp()")))


def count_sql(table: Table) -> str:
    """Count the rows of a table."""
    return composed("select count(*)\nfrom {table}", table=qualified(table.name))


def lock_sql(tables: Sequence[Table]) -> str:
    """Lock tables against statements that rewrite or empty them."""
    return composed(
        "lock table {tables}\nin access share mode",
        tables=", ".join(qualified(table.name) for table in tables),
    )
