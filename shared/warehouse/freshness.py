"""How far BigQuery is behind PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared import tables
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import WarehouseUnavailable
from shared.lazy import sqlalchemy as sa
from shared.warehouse import state
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.names import SQL

# An answer without BigQuery's part is better than a late one.
TIMEOUT_SECONDS = 3


@dataclass(frozen=True)
class TableLag:
    """How far a table is behind.

    Attributes:
        table: its name.
        as_of: when the newest load that BigQuery includes was finished; None before the first, and
            if BigQuery is unavailable.
        changed_at: when its rows there last changed; None as above.
        checked_at: when a sync last found that nothing is missing; None as above.
        unsynced: how many finished loads of it are pending.
        oldest_unsynced: when the oldest of them was finished.
        lag_seconds: how long ago that was; 0 if none is pending.
    """

    table: str
    as_of: datetime | None
    changed_at: datetime | None
    checked_at: datetime | None
    unsynced: int
    oldest_unsynced: datetime | None
    lag_seconds: float


@dataclass(frozen=True)
class WarehouseLag:
    """How far all tables are behind.

    Attributes:
        bigquery: whether BigQuery answered.
        newest_synced: when the newest load that BigQuery includes was finished.
        unsynced: how many finished loads are pending, failed ones included.
        oldest_unsynced: when the oldest of them was finished.
        lag_seconds: how long ago that was; 0 if none is pending.
        tables: each table of the dictionary, parents first.
    """

    bigquery: bool
    newest_synced: datetime | None
    unsynced: int
    oldest_unsynced: datetime | None
    lag_seconds: float
    tables: Sequence[TableLag]


def freshness(engine: sa.Engine, warehouse: Warehouse) -> WarehouseLag:
    """Compare the ledger with the state of the warehouse, which is read without a query.

    If BigQuery is unavailable, the answer says so.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    with transaction(engine) as connection:
        found = connection.execute(sa.text(statement(SQL / "ledger", "unsynced"))).all()
    try:
        states = state.read(warehouse)
    except WarehouseUnavailable:
        states = None
    behind = {row.table_name: row for row in found}
    known = states or {}
    newest = max((one.as_of for one in known.values()), default=None)
    return WarehouseLag(
        bigquery=states is not None,
        newest_synced=newest,
        unsynced=sum(row.loads for row in found),
        oldest_unsynced=min((row.oldest for row in found), default=None),
        lag_seconds=max((float(row.lag_seconds) for row in found), default=0.0),
        tables=[_of(name, known.get(name), behind.get(name)) for name in tables.all_tables()],
    )


def _of(name: str, there: state.TableState | None, behind: sa.Row[Any] | None) -> TableLag:
    return TableLag(
        table=name,
        as_of=there.as_of if there else None,
        changed_at=there.changed_at if there else None,
        checked_at=there.checked_at if there else None,
        unsynced=behind.loads if behind else 0,
        oldest_unsynced=behind.oldest if behind else None,
        lag_seconds=float(behind.lag_seconds) if behind else 0.0,
    )
