"""Bring the warehouse up to PostgreSQL, load by load.

One round: in one snapshot of PostgreSQL, read which loads the warehouse has yet to see and export
their rows; then table by table, parents first, load the export into a staging table, check it and
merge it; record the loads and how far each table has come; mark those loads. A round cut off
anywhere leaves its loads unmarked, and made again it brings the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared import logs
from shared.database.engine import transaction
from shared.errors import PermanentError, TablegateError, WarehouseUnavailable
from shared.lazy import sqlalchemy as sa
from shared.warehouse import history, lock, merge, pending, staging, state
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.export import Exported, export, of_work
from shared.warehouse.history import History
from shared.warehouse.pending import Entry, Work

BUDGET_SECONDS = 240


@dataclass(frozen=True)
class Synced:
    """What a sync did.

    Attributes:
        loads: how many loads it marked.
        rows: how many rows it brought.
        running_elsewhere: whether another sync has taken on the rest.
    """

    loads: int = 0
    rows: int = 0
    running_elsewhere: bool = False


@dataclass(frozen=True)
class Round:
    """What one snapshot of PostgreSQL had for the warehouse.

    Attributes:
        entries: the loads that it had yet to see.
        exported: their rows, for each table that they changed.
        history: the loads and their rejects as they are to be recorded.
    """

    entries: Sequence[Entry]
    exported: Sequence[tuple[Work, Exported]]
    history: History


class Sync:
    """Brings loads to the warehouse.

    Args:
        engine: PostgreSQL.
        warehouse: BigQuery.
        storage_client: Cloud Storage.
        staging_bucket: where exports are put.
        gather_seconds: how long to gather loads before another round: under steady load a round
            costs about the same for one load as for fifty. The first round never waits.
    """

    def __init__(
        self,
        engine: sa.Engine,
        warehouse: Warehouse,
        storage_client: Any,
        staging_bucket: str,
        gather_seconds: float = 0,
    ) -> None:
        self.engine = engine
        self.warehouse = warehouse
        self.storage_client = storage_client
        self.staging_bucket = staging_bucket
        self.gather_seconds = gather_seconds

    def run(self, budget_seconds: float = BUDGET_SECONDS) -> Synced:
        """Bring all that is pending, or leave it to the sync that is running.

        Whoever finds the lock taken may go: its holder looks again after it has let go, and so
        sees every load that was committed before anybody else tried.

        Raises:
            WarehouseUnavailable: try again later, also where the time is up and loads are left.
            DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
            WarehouseRefusal, WarehouseDiffers: a table cannot be brought; the others were.
        """
        until = time.monotonic() + budget_seconds
        loads = rows = 0
        while pending.any_left(self.engine):
            with self.alone() as held:
                if held is None:
                    return Synced(loads, rows, running_elsewhere=True)
                for done in self.rounds(held, until):
                    loads, rows = loads + done.loads, rows + done.rows
        return Synced(loads, rows)

    def sweep(self, budget_seconds: float = BUDGET_SECONDS) -> Synced:
        """Bring what is pending and what has become of rejects; record that nothing is missing.

        Raises:
            As `run`.
        """
        until = time.monotonic() + budget_seconds
        done = self.run(budget_seconds)
        with self.alone() as held:
            if held is not None:
                history.refresh(self.engine, self.warehouse)
                if not pending.any_left(self.engine):
                    state.record_checked(self.warehouse)
        after = self.run(until - time.monotonic())
        return Synced(done.loads + after.loads, done.rows + after.rows, after.running_elsewhere)

    @contextmanager
    def alone(self, wait_seconds: float = 0) -> Iterator[lock.Held | None]:
        """The lock of syncs, or None where another has it; `run` must be called afterwards.

        Staging tables that are there belong to syncs that were killed. They go before anything is
        done, for a statement of theirs that BigQuery still has must not take effect later.

        Raises:
            WarehouseUnavailable, DatabaseUnavailable: try again later.
        """
        with lock.taken(self.engine, wait_seconds) as held:
            if held is not None:
                self.warehouse.drop_staging()
            yield held

    def rounds(self, held: lock.Held, until: float) -> Iterator[Synced]:
        """Bring what is pending until nothing is, and say after each round what was brought.

        Raises:
            As `run`.
        """
        while True:
            if time.monotonic() > until:
                raise WarehouseUnavailable("The time of a sync is up with loads left; try again.")
            with self.snapshot() as connection:
                found = self.read(connection)
            if not found.entries:
                return
            yield self.bring(held, found)
            if self.gather_seconds and pending.any_left(self.engine):
                time.sleep(self.gather_seconds)

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A transaction that sees all tables at one moment: no row comes without its parent."""
        with transaction(self.engine) as connection:
            connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
            yield connection

    def read(self, connection: sa.Connection) -> Round:
        """What a snapshot has for the warehouse, its rows exported.

        Raises:
            StorageUnavailable, DatabaseUnavailable: try again later.
        """
        entries = pending.read(connection)
        exported = [(work, self.export(connection, work)) for work in pending.plan(entries)]
        load_ids = [str(entry.load_id) for entry in entries]
        return Round(entries, exported, history.read(connection, load_ids))

    def export(self, connection: sa.Connection, work: Work) -> Exported:
        """The rows that `work` asks for, on Cloud Storage.

        Raises:
            StorageUnavailable, DatabaseUnavailable: try again later.
        """
        return export(connection, of_work(work), self.storage_client, self.staging_bucket)

    def bring(self, held: lock.Held, found: Round) -> Synced:
        """Bring a round to the warehouse, and mark its loads.

        Raises:
            As `run`.
        """
        started = time.monotonic()
        failed: dict[str, TablegateError] = {}
        brought: list[tuple[Work, Exported]] = []
        for work, exported in found.exported:
            held.check()
            try:
                self._project(work, exported)
                brought.append((work, exported))
            except PermanentError as error:
                # One table that cannot be brought must not keep the others back.
                failed[work.projection.table.name] = error
        done = [entry for entry in found.entries if entry.table_name not in failed]
        history.record(self.warehouse, found.history.of({str(e.load_id) for e in done}))
        state.record(
            self.warehouse, {work.projection.table.name: work.as_of for work, _ in brought}
        )
        held.check()
        loads = pending.mark(self.engine, done)
        rows = sum(exported.rows for _, exported in brought)
        logs.line(
            "INFO",
            "The warehouse was synced",
            loads=loads,
            rows=rows,
            tables=[work.projection.target for work, _ in brought],
            seconds=round(time.monotonic() - started, 3),
        )
        if failed:
            raise next(iter(failed.values()))
        return Synced(loads, rows)

    def _project(self, work: Work, exported: Exported) -> None:
        if exported.rows or work.whole:
            with staging.staged(self.warehouse, exported, self.staging_bucket) as name:
                self.warehouse.query(
                    merge.merge(self.warehouse.names, work.projection, name, whole=work.whole)
                )
        staging.discard(self.storage_client, self.staging_bucket, exported)
