"""Loads and rejects in numbers, as the dashboard shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.api.dashboard import Load, LoadPage, LoadState, ReasonCount, Reasons
from shared.api.insert_rows import Counts
from shared.dashboard.queries import Cursor
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.validation.reasons import CATALOGUE

_SQL = Path(__file__).with_name("sql")


def loads(engine: sa.Engine, most: int, after: Cursor | None) -> LoadPage:
    """A page of loads, newest first.

    Raises:
        TransientError: try again.
    """
    values = {
        "rows": most + 1,
        # Bounds that are always there let PostgreSQL begin in the index where the page begins.
        "before": after.started_at.isoformat() if after else "infinity",
        "before_id": str(after.load_id) if after else str(UUID(int=0)),
    }
    rows = _ask(engine, "loads_page", values)
    following = None
    if len(rows) > most:
        last = rows[most - 1]
        following = str(Cursor(last["started_at"], last["load_id"]))
    return LoadPage([_load(row) for row in rows[:most]], following)


def state(engine: sa.Engine, load_id: UUID) -> LoadState:
    """Where a load stands.

    Raises:
        TransientError: try again.
    """
    rows = _ask(engine, "load", {"load_id": str(load_id)})
    if not rows or rows[0]["state"] == "loading":
        return LoadState(load_id, "pending")
    row = rows[0]
    return LoadState(load_id, row["state"], row["table_name"], _counts(row), row["error"])


def reasons(engine: sa.Engine) -> Reasons:
    """Open rejects by table and reason.

    Raises:
        TransientError: try again.
    """
    return Reasons(
        [
            ReasonCount(
                row["table_name"],
                row["status"],
                row["reason"],
                CATALOGUE[row["reason"]].title if row["reason"] in CATALOGUE else row["reason"],
                row["found"],
            )
            for row in _ask(engine, "reasons", {})
        ]
    )


def _load(row: Mapping[str, Any]) -> Load:
    known = {name: row[name] for name in Load.__struct_fields__ if name in row}
    return Load(**known, table=row["table_name"], counts=_counts(row))


def _counts(row: Mapping[str, Any]) -> Counts:
    known = {name: row[name] for name in Counts.__struct_fields__ if name in row}
    return Counts(read=row["rows_read"], **known)


def _ask(engine: sa.Engine, name: str, values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    with transaction(engine) as connection:
        return [dict(row) for row in connection.execute(_text(name), values).mappings()]


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
