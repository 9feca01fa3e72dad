"""The state of each table of the warehouse: up to which load it is complete.

It is kept in the warehouse and written after the rows. So for a moment rows may be newer than the
state, but never older. If a sync dies in between, the next one writes the state.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.tables.kinds.timestamp import micros
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.star import Projection, projections

_COLUMNS = {
    "table_name": "STRING",
    "as_of": "TIMESTAMP",
    "changed_at": "TIMESTAMP",
    "checked_at": "TIMESTAMP",
}


@dataclass(frozen=True)
class TableState:
    """The state of a table.

    Attributes:
        table_name: its name in the dictionary.
        as_of: when the newest load it includes was finished.
        changed_at: when its rows in the warehouse last changed.
        checked_at: when a sync last found nothing pending; None before the first time.
    """

    table_name: str
    as_of: datetime
    changed_at: datetime
    checked_at: datetime | None


def read(warehouse: Warehouse) -> dict[str, TableState]:
    """Read the state of each table that was ever synced, by its name, without a query.

    Raises:
        WarehouseUnavailable: try again later.
    """
    found = warehouse.rows("sync_state", _COLUMNS)
    return {row["table_name"]: TableState(**row) for row in found}


def unfilled(warehouse: Warehouse) -> list[Projection]:
    """Return the tables that have had no rows since they were made, or made anew.

    So are those that were last synced by a release with other columns: it has left some as they
    were, or NULL.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: the table of states is missing.
    """
    rows = warehouse.rows("sync_state", {**_COLUMNS, "columns": "STRING"})
    # Before it was recorded, it is unknown, and taken to be right.
    known = {row["table_name"]: row["columns"] for row in rows}
    return [
        one
        for one in projections()
        if one.table.name not in known or known[one.table.name] not in (None, _columns(one))
    ]


def forget(warehouse: Warehouse, table_names: Iterable[str]) -> None:
    """Forget the state of tables that were made anew: the next sweep fills them.

    Raises:
        WarehouseUnavailable: try again later.
    """
    _run(warehouse, "forget", {"names": ("STRING", list(table_names))})


def version(warehouse: Warehouse, table_names: Iterable[str]) -> str:
    """Return a text that changes as soon as rows of these tables do, without a query.

    Read it before the rows, which may then be newer than the text, but never older.

    Raises:
        WarehouseUnavailable: try again later.
    """
    states = read(warehouse)
    moments = (states[name].changed_at if name in states else None for name in table_names)
    return " ".join(moment.isoformat() if moment else "never" for moment in moments)


def record(warehouse: Warehouse, as_of: Mapping[str, datetime]) -> None:
    """Record the newest load that each table includes, and that its rows have changed.

    Raises:
        WarehouseUnavailable: try again later.
    """
    if not as_of:
        return
    columns = {one.table.name: _columns(one) for one in projections()}
    entries = [
        {"table": name, "as_of": micros(moment), "columns": columns.get(name)}
        for name, moment in as_of.items()
    ]
    _run(warehouse, "state", {"entries": ("STRING", json.dumps(entries))})


def record_checked(warehouse: Warehouse) -> None:
    """Record that PostgreSQL has nothing more for any table.

    Raises:
        WarehouseUnavailable: try again later.
    """
    _run(warehouse, "checked")


def _columns(projection: Projection) -> str:
    return ", ".join(sorted(column.name for column in projection.columns))


def _run(
    warehouse: Warehouse, name: str, parameters: Mapping[str, tuple[str, Any]] | None = None
) -> None:
    warehouse.query(warehouse.names.text("sync", name), parameters)
