"""Reconciles BigQuery with PostgreSQL: syncs pending loads, compares, and refreshes what differs.

The lock of syncs keeps others from changing BigQuery. Everything in a snapshot of PostgreSQL is
synced, and that same snapshot is compared, so that a difference is never a mere delay.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import uuid4

from shared import logs
from shared.database.sql import statement
from shared.errors import WarehouseUnavailable
from shared.lazy import sqlalchemy as sa
from shared.tables.table import Table
from shared.warehouse import lock, merge_sql, staging, state
from shared.warehouse.checksums import bigquery_side, postgres_side
from shared.warehouse.compare import KINDS, LIMITS, Comparison, Limits, compare
from shared.warehouse.export import Extract, export
from shared.warehouse.names import SQL
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


def reconcile(
    sync: Sync,
    tables: Sequence[Table] | None = None,
    *,
    repair: bool = False,
    limits: Limits = LIMITS,
    wait_seconds: float = WAIT_SECONDS,
    budget_seconds: float = BUDGET_SECONDS,
) -> list[Reconciliation]:
    """Compare tables on both sides, and refresh the rows of BigQuery that differ if asked to.

    A difference is logged as an error with the label `ALERT`.

    Args:
        sync: syncs the rows.
        tables: the tables of the dictionary to compare; all by default.
        repair: whether to refresh.
        limits: how much work to spend on finding the rows that differ.
        wait_seconds: how long to wait for a sync that is running.
        budget_seconds: how long the pending loads may take.

    Raises:
        WarehouseUnavailable: try again later; or a sync ran longer than this waited.
        DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
        WarehouseRefusal, WarehouseDiffers: a table could not be synced.
    """
    until = time.monotonic() + budget_seconds
    with sync.alone(wait_seconds) as held:
        if held is None:
            raise WarehouseUnavailable("A sync is still running; try again when it is done.")
        for _ in sync.rounds(held, until):
            pass
        with sync.snapshot() as connection:
            _sync_rest(sync, held, connection)
            done = [
                _reconciled(sync, held, connection, projection, limits, repair=repair)
                for projection in projections()
                if tables is None or projection.table in tables
            ]
    # Syncs that could not get the lock have left their loads to this call.
    sync.run(max(0.0, until - time.monotonic()))
    return done


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


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(SQL / "ledger", name))
