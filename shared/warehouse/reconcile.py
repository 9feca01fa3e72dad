"""Reconciles BigQuery with PostgreSQL: syncs pending loads, compares, and refreshes what differs.

The lock of syncs keeps others from changing BigQuery. Everything in a snapshot of PostgreSQL is
synced, and that same snapshot is compared, so that a difference is never a mere delay.
"""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from uuid import uuid4

from shared import logs
from shared.database.sql import statement
from shared.errors import WarehouseDiffers, WarehouseRefusal, WarehouseUnavailable
from shared.lazy import sqlalchemy as sa
from shared.tables.table import Table
from shared.warehouse import lock, merge_sql, objects, staging, state
from shared.warehouse.checksums import bigquery_side, postgres_side
from shared.warehouse.compare import KINDS, LIMITS, Comparison, Limits, compare
from shared.warehouse.export import Extract, export
from shared.warehouse.names import SQL
from shared.warehouse.objects import Found
from shared.warehouse.pending import MOST_LOADS
from shared.warehouse.star import Projection, projections
from shared.warehouse.sync import BUDGET_SECONDS, Sync

WAIT_SECONDS = 60
# What an alert selects the log line by.
ALERT = {"alert": "warehouse-differs"}


@dataclass(frozen=True)
class Reconciliation:
    """The result of reconciling one table.

    Attributes:
        found: how the two sides compared.
        repaired: whether they differed, were refreshed, and agree now.
    """

    found: Comparison
    repaired: bool


@dataclass(frozen=True)
class Result:
    """What reconciling found.

    Attributes:
        tables: how the rows of each table compared; not of a table that is missing or whose columns
            differ.
        objects: what else is not as it should be: columns, views, the calendar, loads and rejects.
    """

    tables: Sequence[Reconciliation]
    objects: Sequence[Found]

    @property
    def agrees(self) -> bool:
        """Whether everything is as it should be now."""
        return all(one.found.agrees or one.repaired for one in self.tables) and all(
            one.repaired for one in self.objects
        )


def reconcile(
    sync: Sync,
    tables: Sequence[Table] | None = None,
    *,
    repair: bool = False,
    limits: Limits = LIMITS,
    wait_seconds: float = WAIT_SECONDS,
    budget_seconds: float = BUDGET_SECONDS,
) -> Result:
    """Compare tables on both sides, and refresh the rows of BigQuery that differ if asked to.

    Unless some tables are named, also checks everything else that reports depend on. A difference
    is logged as an error with the label `ALERT`.

    Args:
        sync: syncs the rows.
        tables: the tables of the dictionary to compare; everything by default.
        repair: whether to refresh.
        limits: how much work to spend on finding the rows that differ.
        wait_seconds: how long to wait for a sync that is running.
        budget_seconds: how long the pending loads may take.

    Raises:
        WarehouseUnavailable: try again later; or a sync ran longer than this waited.
        DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
        WarehouseRefusal, WarehouseDiffers: a table could not be synced, though its columns are
            right.
    """
    until = time.monotonic() + budget_seconds
    with sync.alone(wait_seconds) as held:
        if held is None:
            raise WarehouseUnavailable("A sync is still running; try again when it is done.")
        chosen = [one for one in projections() if tables is None or one.table in tables]
        wrong = objects.columns(sync.warehouse)
        if tables is not None:
            wrong = [one for one in wrong if one.name in {p.target for p in chosen}]
        unusable = {one.name for one in wrong}
        try:
            for _ in sync.rounds(held, until):
                pass
        except (WarehouseRefusal, WarehouseDiffers):
            # What is wrong with a table is reported with the others.
            if not unusable:
                raise
        with sync.snapshot() as connection:
            if not unusable:
                _sync_rest(sync, held, connection)
            done = []
            for projection in chosen:
                if projection.target in unusable:
                    continue
                try:
                    done.append(
                        _reconciled(sync, held, connection, projection, limits, repair=repair)
                    )
                except WarehouseRefusal as error:
                    what = f"Its rows cannot be compared. {error}"
                    wrong.append(Found(projection.target, what, objects.MAKE_ANEW))
            if tables is None:
                wrong += _others(sync, held, connection, unusable, repair=repair)
    for one in wrong:
        _report_object(one)
    # Syncs that could not get the lock have left their loads to this call.
    if not unusable:
        sync.run(max(0.0, until - time.monotonic()))
    return Result(done, wrong)


def _others(
    sync: Sync, held: lock.Held, connection: sa.Connection, unusable: Set[str], *, repair: bool
) -> list[Found]:
    """Check views, calendar, loads and rejects, unless a table that they need is unusable."""
    warehouse, found = sync.warehouse, []
    if objects.DATES not in unusable and (differing := objects.dates(warehouse)) is not None:
        if repair:
            held.check()
            objects.remake_dates(warehouse)
            differing = replace(differing, repaired=objects.dates(warehouse) is None)
        found.append(differing)
    if not unusable & {objects.LOADS, objects.REJECTS}:
        of_ledger = objects.ledger(connection, warehouse)
        if of_ledger and repair:
            held.check()
            days = sorted({day for one in of_ledger for day in one.days})
            objects.refresh(connection, warehouse, days)
            left = {one.name for one in objects.ledger(connection, warehouse)}
            of_ledger = [replace(one, repaired=one.name not in left) for one in of_ledger]
        found += of_ledger
    if objects.APPLIED not in unusable:
        of_views = objects.views(warehouse)
        # A view cannot be made from a table that is missing.
        if of_views and repair and not unusable:
            held.check()
            objects.apply_views(warehouse)
            left = {one.name for one in objects.views(warehouse)}
            of_views = [replace(one, repaired=one.name not in left) for one in of_views]
        found += of_views
    return found


def _sync_rest(sync: Sync, held: lock.Held, connection: sa.Connection) -> None:
    rest = sync.read(connection)
    if len(rest.loads) >= MOST_LOADS:
        raise WarehouseUnavailable("Too many loads are arriving; try again when there are fewer.")
    if rest.loads:
        sync.load_round(held, rest)


def _reconciled(
    sync: Sync,
    held: lock.Held,
    connection: sa.Connection,
    projection: Projection,
    limits: Limits,
    *,
    repair: bool,
) -> Reconciliation:
    found = compare(connection, sync.warehouse, projection, limits)
    if found.agrees:
        return Reconciliation(found, repaired=False)
    repaired = False
    if repair:
        held.check()
        _refresh(sync, connection, found)
        repaired = compare(connection, sync.warehouse, projection, limits).agrees
    _report(found, repaired=repaired)
    return Reconciliation(found, repaired)


def _refresh(sync: Sync, connection: sa.Connection, found: Comparison) -> None:
    projection, names = found.projection, sync.warehouse.names
    here = there = "true"
    # If rows were not compared, too many differ, and the whole table is refreshed.
    if found.differences is not None:
        here, there = (
            side.among_these(found.digits, found.buckets)
            for side in (postgres_side(projection), bigquery_side(projection, names))
        )
    extract = Extract(projection, f"repair_{uuid4().hex}", here)
    exported = export(connection, extract, sync.objects.client, sync.staging_bucket)
    with staging.staged(sync.warehouse, exported, sync.staging_bucket) as name:
        sync.warehouse.query(merge_sql.replacement(names, projection, name, there))
    staging.discard(sync.objects, sync.staging_bucket, exported)
    state.record(sync.warehouse, {projection.table.name: _newest(connection, projection.table)})


def _newest(connection: sa.Connection, table: Table) -> datetime:
    moment: datetime = connection.scalar(_text("newest"), {"table_name": table.name})
    return moment


def _report(found: Comparison, *, repaired: bool) -> None:
    logs.line(
        "ERROR",
        "BigQuery differs from PostgreSQL",
        labels=ALERT,
        table=found.projection.table.name,
        postgres_rows=found.postgres_rows,
        bigquery_rows=found.bigquery_rows,
        buckets=len(found.buckets),
        repaired=repaired,
        **{kind: found.count(kind) for kind in KINDS},
    )


def _report_object(found: Found) -> None:
    logs.line(
        "ERROR",
        "BigQuery is not as it should be",
        labels=ALERT,
        object=found.name,
        what=found.what,
        remedy=found.remedy,
        repaired=found.repaired,
    )


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(SQL / "ledger", name))
