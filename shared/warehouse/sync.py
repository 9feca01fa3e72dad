"""Syncs the warehouse with PostgreSQL, load by load.

A round reads, in one snapshot of PostgreSQL, which loads are pending, and exports their rows. Then,
table by table and parents first, it loads the export into a staging table, checks it and merges it.
Finally it records the loads and the state of each table in the warehouse, and marks the loads as
synced. A round that dies leaves its loads pending, and the next one syncs the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import uuid4

from shared import logs
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import (
    PermanentError,
    TablegateError,
    WarehouseRefusal,
    WarehouseUnavailable,
)
from shared.lazy import sqlalchemy as sa
from shared.storage import ObjectStore
from shared.warehouse import history, lock, merge_sql, pending, staging, state
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.export import Exported, Extract, export, of_work
from shared.warehouse.history import History
from shared.warehouse.names import SQL
from shared.warehouse.pending import PendingLoad, TableWork
from shared.warehouse.star import Projection

BUDGET_SECONDS = 240


@dataclass(frozen=True)
class Synced:
    """What a sync did.

    Attributes:
        loads: how many loads it marked as synced.
        rows: how many rows it merged.
        running_elsewhere: whether another sync is running, which does the rest.
    """

    loads: int
    rows: int
    running_elsewhere: bool = False


@dataclass(frozen=True)
class SyncRound:
    """The loads and rows in one snapshot of PostgreSQL that the warehouse lacks.

    Attributes:
        loads: the pending loads.
        exported: their rows, for each table that they changed.
        history: the loads and their rejects, to record in the warehouse.
    """

    loads: Sequence[PendingLoad]
    exported: Sequence[tuple[TableWork, Exported]]
    history: History


class Sync:
    """Syncs loads to the warehouse.

    Args:
        engine: PostgreSQL.
        warehouse: BigQuery.
        objects: Cloud Storage.
        staging_bucket: the bucket of exports.
        gather_seconds: how long to wait for more loads before another round: a round costs about
            the same for one load as for fifty. The first round never waits.
    """

    def __init__(
        self,
        engine: sa.Engine,
        warehouse: Warehouse,
        objects: ObjectStore,
        staging_bucket: str,
        gather_seconds: float = 0,
    ) -> None:
        self.engine = engine
        self.warehouse = warehouse
        self.objects = objects
        self.staging_bucket = staging_bucket
        self.gather_seconds = gather_seconds

    def run(self, budget_seconds: float = BUDGET_SECONDS) -> Synced:
        """Sync all pending loads, or leave them to the sync that is running.

        A caller that cannot get the lock may return: the holder looks for pending loads again after
        it has released the lock, and so finds every load that was committed before this call.

        Raises:
            WarehouseUnavailable: try again later; also if the time is up and loads are left.
            DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
            WarehouseRefusal, WarehouseDiffers: a table could not be synced; the others were.
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
        """Sync all pending loads and changed rejects, and record that nothing is pending.

        Raises:
            As `run`.
        """
        until = time.monotonic() + budget_seconds
        done = self.run(budget_seconds)
        with self.alone() as held:
            if held is not None:
                self._fill()
                history.refresh(self.engine, self.warehouse)
                if not pending.any_left(self.engine):
                    state.record_checked(self.warehouse)
        after = self.run(until - time.monotonic())
        return Synced(done.loads + after.loads, done.rows + after.rows, after.running_elsewhere)

    @contextmanager
    def alone(self, wait_seconds: float = 0) -> Iterator[lock.Held | None]:
        """Hold the lock of syncs; None if another sync holds it. Call `run` afterwards.

        Existing staging tables belong to syncs that were killed. They are deleted first: a merge
        that BigQuery may still be running for one of them must not take effect later.

        Raises:
            WarehouseUnavailable, DatabaseUnavailable: try again later.
        """
        with lock.hold(self.engine, wait_seconds) as held:
            if held is not None:
                self.warehouse.drop_staging()
            yield held

    def rounds(self, held: lock.Held, until: float) -> Iterator[Synced]:
        """Run rounds until no load is pending; yield the result of each.

        Raises:
            As `run`.
        """
        while True:
            if time.monotonic() > until and pending.any_left(self.engine):
                raise WarehouseUnavailable(
                    "The sync ran out of time; try again for the remaining loads."
                )
            with self.snapshot() as connection:
                found = self.read(connection)
            if not found.loads:
                return
            yield self.load_round(held, found)
            if self.gather_seconds and pending.any_left(self.engine):
                time.sleep(self.gather_seconds)

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Begin a transaction that sees all tables at one moment: every row with its parent."""
        with transaction(self.engine) as connection:
            connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
            yield connection

    def read(self, connection: sa.Connection) -> SyncRound:
        """Read the pending loads of a snapshot, and export their rows.

        Raises:
            WarehouseUnavailable, StorageUnavailable, DatabaseUnavailable: try again later.
            WarehouseRefusal: the warehouse's own tables are missing.
        """
        loads = pending.read(connection)
        planned = pending.plan(loads, self._lost(connection) if loads else ())
        exported = [(work, self.export(connection, work)) for work in planned]
        load_ids = [str(load.load_id) for load in loads]
        return SyncRound(loads, exported, history.read(connection, load_ids))

    def export(self, connection: sa.Connection, work: TableWork) -> Exported:
        """Export the rows of `work` to Cloud Storage.

        Raises:
            StorageUnavailable, DatabaseUnavailable: try again later.
        """
        return export(connection, of_work(work), self.objects.client, self.staging_bucket)

    def load_round(self, held: lock.Held, found: SyncRound) -> Synced:
        """Load a round into the warehouse, and mark its loads as synced.

        Raises:
            As `run`.
        """
        started = time.monotonic()
        failed: dict[str, TablegateError] = {}
        merged: list[tuple[TableWork, Exported]] = []
        for work, exported in found.exported:
            held.check()
            try:
                self._project(work, exported)
                merged.append((work, exported))
            except PermanentError as error:
                # The other tables are synced nevertheless.
                failed[work.projection.table.name] = error
        done = [load for load in found.loads if load.table_name not in failed]
        history.record(self.warehouse, found.history.of({str(load.load_id) for load in done}))
        state.record(self.warehouse, {work.projection.table.name: work.as_of for work, _ in merged})
        held.check()
        loads = pending.mark(self.engine, done)
        rows = sum(exported.rows for _, exported in merged)
        logs.line(
            "INFO",
            "The warehouse was synced",
            loads=loads,
            rows=rows,
            tables=[work.projection.target for work, _ in merged],
            seconds=round(time.monotonic() - started, 3),
        )
        if failed:
            raise next(iter(failed.values()))
        return Synced(loads, rows)

    def _lost(self, connection: sa.Connection) -> dict[str, datetime]:
        """Return the tables whose rows were synced before they were made anew.

        Their newest load, by the table's name.
        """
        names = [one.table.name for one in state.unfilled(self.warehouse)]
        if not names:
            return {}
        found = connection.execute(_text("lost"), {"names": names})
        return {row.table_name: row.newest for row in found}

    def _fill(self) -> None:
        """Fill the tables that were made anew since their rows were synced."""
        for projection in state.unfilled(self.warehouse):
            with self.snapshot() as connection:
                newest = self._lost(connection).get(projection.table.name)
                if newest is None:
                    continue
                extract = Extract(projection, f"fill_{uuid4().hex}")
                exported = export(connection, extract, self.objects.client, self.staging_bucket)
            self._merge(projection, exported, whole=True)
            state.record(self.warehouse, {projection.table.name: newest})
            logs.line(
                "INFO",
                "A table of the warehouse was filled",
                table=projection.target,
                rows=exported.rows,
            )

    def _project(self, work: TableWork, exported: Exported) -> None:
        self._merge(work.projection, exported, whole=work.whole)

    def _merge(self, projection: Projection, exported: Exported, *, whole: bool) -> None:
        if exported.rows or whole:
            with staging.staged(self.warehouse, exported, self.staging_bucket) as name:
                merge = merge_sql.merge(self.warehouse.names, projection, name, whole=whole)
                try:
                    self.warehouse.query(merge)
                except WarehouseRefusal as error:
                    raise WarehouseRefusal(
                        f"{error} If the columns of {projection.target} are not the dictionary's, "
                        "run python -m shared.warehouse apply."
                    ) from error
        staging.discard(self.objects, self.staging_bucket, exported)


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(SQL / "ledger", name))
