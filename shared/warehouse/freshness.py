"""Finds out how far BigQuery is behind PostgreSQL."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from shared import tables
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import WarehouseRefusal, WarehouseUnavailable
from shared.lazy import sqlalchemy as sa
from shared.moments import Moment
from shared.warehouse import state
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.names import SQL

# A response without BigQuery's part is better than a late one.
TIMEOUT_SECONDS = 3

Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]


class TableFreshness(msgspec.Struct, frozen=True):
    """How far a table is behind."""

    table: str
    as_of: Annotated[
        Moment | None,
        Meta(
            description="When the newest load that BigQuery includes was finished; null before "
            "the first, and if BigQuery is unavailable."
        ),
    ]
    changed_at: Annotated[
        Moment | None, Meta(description="When its rows in BigQuery last changed.")
    ]
    checked_at: Annotated[
        Moment | None, Meta(description="When a sync last found nothing pending.")
    ]
    unsynced: Annotated[
        Count, Meta(description="How many finished loads of the table are pending.")
    ]
    oldest_unsynced: Annotated[
        Moment | None,
        Meta(description="When the oldest of them was finished; null if none is pending."),
    ]
    lag_seconds: Annotated[
        Seconds, Meta(description="How long ago that was; 0 if none is pending.")
    ]


class Freshness(msgspec.Struct, frozen=True):
    """How far BigQuery is behind PostgreSQL."""

    bigquery: Annotated[bool, Meta(description="Whether BigQuery answered.")]
    newest_synced: Annotated[
        Moment | None, Meta(description="When the newest load that BigQuery includes was finished.")
    ]
    unsynced: Annotated[
        Count,
        Meta(description="How many finished loads are pending, failed ones included."),
    ]
    oldest_unsynced: Annotated[
        Moment | None,
        Meta(description="When the oldest of them was finished; null if none is pending."),
    ]
    lag_seconds: Annotated[
        Seconds, Meta(description="How long ago that was; 0 if none is pending.")
    ]
    tables: list[TableFreshness]


def freshness(engine: sa.Engine, warehouse: Warehouse) -> Freshness:
    """Compare the ledger with the state of the warehouse, which is read without a query.

    If BigQuery is unavailable, the result has `bigquery` false and only the ledger's part.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    try:
        states = state.read(warehouse)
    except (WarehouseUnavailable, WarehouseRefusal):
        states = None
    # A table that was made anew lacks the loads that were synced before, too.
    known_tables = tables.all_tables()
    unfilled = [] if states is None else [name for name in known_tables if name not in states]
    with transaction(engine) as connection:
        text = sa.text(statement(SQL / "ledger", "unsynced"))
        found = connection.execute(text, {"unfilled": unfilled}).all()
    behind = {row.table_name: row for row in found}
    known = states or {}
    newest = max((one.as_of for one in known.values()), default=None)
    return Freshness(
        bigquery=states is not None,
        newest_synced=newest,
        unsynced=sum(row.loads for row in found),
        oldest_unsynced=min((row.oldest for row in found), default=None),
        lag_seconds=max((float(row.lag_seconds) for row in found), default=0.0),
        tables=[_of(name, known.get(name), behind.get(name)) for name in known_tables],
    )


def _of(name: str, there: state.TableState | None, behind: sa.Row[Any] | None) -> TableFreshness:
    return TableFreshness(
        table=name,
        as_of=there.as_of if there else None,
        changed_at=there.changed_at if there else None,
        checked_at=there.checked_at if there else None,
        unsynced=behind.loads if behind else 0,
        oldest_unsynced=behind.oldest if behind else None,
        lag_seconds=float(behind.lag_seconds) if behind else 0.0,
    )
