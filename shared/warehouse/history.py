"""Records the ledger's loads and their rejects in the warehouse, for reports."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.names import SQL

# A call of BigQuery may have 10 MB; an entry has less than 2 KB.
_LOADS_A_CALL = 2000


@dataclass(frozen=True)
class History:
    """Loads and their rejects in PostgreSQL.

    Attributes:
        loads: entries of the ledger.
        rejects: the number of rows of each load, by reason and status.
    """

    loads: Sequence[Mapping[str, Any]]
    rejects: Sequence[Mapping[str, Any]]

    def of(self, load_ids: Container[str]) -> History:
        """Return the part about some of the loads."""
        loads, rejects = (
            [row for row in rows if row["load_id"] in load_ids]
            for rows in (self.loads, self.rejects)
        )
        return History(loads, rejects)


def read(connection: sa.Connection, load_ids: Sequence[str]) -> History:
    """Read the history of these loads, as the caller's transaction sees it."""
    values = {"load_ids": list(load_ids)}
    loads, rejects = (
        [dict(row) for row in connection.execute(_text(name), values).mappings()]
        for name in ("history", "rejects")
    )
    return History(loads, rejects)


def record(warehouse: Warehouse, history: History, rejects_of: Sequence[str] | None = None) -> None:
    """Replace the warehouse's history of these loads and their rejects.

    Args:
        warehouse: BigQuery.
        history: the loads and their rejects.
        rejects_of: the loads whose rejects are replaced; by default those that have some, which is
            enough for loads that are new.

    Raises:
        WarehouseUnavailable: try again later.
    """
    # Rejects first, so that a load never appears without its rejects.
    concerned = sorted(rejects_of or {row["load_id"] for row in history.rejects})
    for ids in pieces(concerned):
        rejects = history.of(set(ids)).rejects
        _run(warehouse, "load_rejects", rejects, load_ids=("STRING", list(ids)))
    for loads in pieces(history.loads):
        _run(warehouse, "loads", loads)


def refresh(engine: sa.Engine, warehouse: Warehouse) -> int:
    """Record how the rejects of synced loads have changed, by people who corrected a few.

    The caller must hold the lock of syncs.

    Returns:
        The number of loads whose rejects have changed.

    Raises:
        WarehouseUnavailable, DatabaseUnavailable: try again later.
    """
    with transaction(engine) as connection:
        ours = _by_load(connection.execute(_text("rejects_of_loads")).mappings())
    theirs = _by_load(warehouse.query(warehouse.names.text("sync", "rejects_of_loads")))
    stale = sorted(load_id for load_id, counts in ours.items() if theirs.get(load_id) != counts)
    for ids in pieces(stale):
        with transaction(engine) as connection:
            history = read(connection, ids)
        record(warehouse, history)
    return len(stale)


def _run(warehouse: Warehouse, name: str, rows: Sequence[Any], **more: tuple[str, Any]) -> None:
    entries = ("STRING", json.dumps(rows))
    warehouse.query(warehouse.names.text("sync", name), {"entries": entries, **more})


def _by_load(rows: Any) -> dict[str, tuple[tuple[str, int], ...]]:
    return {
        row["load_id"]: tuple((name, int(row[name])) for name in row if name != "load_id")
        for row in rows
    }


def pieces(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Divide loads into pieces that fit in a call of BigQuery."""
    for start in range(0, len(items), _LOADS_A_CALL):
        yield items[start : start + _LOADS_A_CALL]


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(SQL / "ledger", name))
