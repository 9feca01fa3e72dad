"""Reads the ledger: what became of each file, batch, replay and restore."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.loading.ledger import Counts, Kind, counts_of
from shared.moments import Moment
from shared.tables.kinds.timestamp import EPOCH, micros

_SQL = Path(__file__).with_name("sql")
_CURSOR = re.compile(r"([0-9]{1,16})-([0-9a-f]{32})", re.ASCII)
CURSOR_PATTERN = "^[0-9]{1,16}-[0-9a-f]{32}$"

State: TypeAlias = Literal["loading", "done", "failed"]
Why: TypeAlias = Annotated[
    dict[str, Any] | None, Meta(description="Why it can never be loaded: code and detail.")
]


class Load(msgspec.Struct, frozen=True):
    """A load's entry in the ledger."""

    load_id: UUID
    source: Annotated[str, Meta(description="`gs://bucket/object#generation`, or a batch's id.")]
    kind: Kind
    sender: str | None
    table: Annotated[str | None, Meta(description="Null if the file's name matches no table.")]
    state: State
    counts: Counts
    repeats: Annotated[UUID | None, Meta(description="The earlier load of the same bytes.")]
    error: Why
    accepted_at: Annotated[Moment, Meta(description="When the platform accepted the rows.")]
    finished_at: Moment | None
    synced_at: Annotated[
        Moment | None, Meta(description="When it was synced to the warehouse; null until then.")
    ]


class LoadPage(msgspec.Struct, frozen=True):
    """A page of loads, the newest first."""

    rows: list[Load]
    next_cursor: Annotated[
        str | None, Meta(description="Send it as `cursor` for the next page; null on the last.")
    ]


class Cursor(msgspec.Struct, frozen=True):
    """The last load of a page; the next page begins with the next older one.

    Attributes:
        started_at: when it began.
        load_id: its id, which orders loads that began together.
    """

    started_at: datetime
    load_id: UUID

    def __str__(self) -> str:
        """Encode for callers: exact to the microsecond, without characters that a URL escapes."""
        return f"{micros(self.started_at)}-{self.load_id.hex}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """Parse a cursor, or return None."""
        found = _CURSOR.fullmatch(text)
        return found and cls(EPOCH + timedelta(microseconds=int(found[1])), UUID(found[2]))


class LoadFilters(msgspec.Struct, frozen=True):
    """Which loads to list; None matches all.

    Attributes:
        state: their state.
        table: their table.
        sender: whose they are.
        kind: their kind.
        since: accepted at that moment or later.
    """

    state: State | None = None
    table: str | None = None
    sender: str | None = None
    kind: Kind | None = None
    since: datetime | None = None


def page(
    engine: sa.Engine, most: int, after: Cursor | None, filters: LoadFilters | None = None
) -> LoadPage:
    """List a page of loads, newest first.

    Raises:
        TransientError: try again.
    """
    chosen = filters or LoadFilters()
    values = {
        "rows": most + 1,
        # A limit that is always present lets PostgreSQL start in the index where the page starts.
        "before": after.started_at.isoformat() if after else "infinity",
        "before_id": str(after.load_id) if after else str(UUID(int=0)),
        "state": chosen.state,
        "table": chosen.table,
        "sender": chosen.sender,
        "kind": chosen.kind,
        "since": chosen.since.isoformat() if chosen.since else None,
    }
    with transaction(engine) as connection:
        rows = connection.execute(_text("loads_page"), values).mappings().all()
    following = None
    if len(rows) > most:
        last = rows[most - 1]
        following = str(Cursor(last["started_at"], last["load_id"]))
    return LoadPage([_load(row) for row in rows[:most]], following)


def find(engine: sa.Engine, load_id: UUID) -> Load | None:
    """Return a load, or None.

    Raises:
        TransientError: try again.
    """
    with transaction(engine) as connection:
        row = connection.execute(_text("load"), {"load_id": str(load_id)}).mappings().one_or_none()
    return None if row is None else _load(row)


def _load(row: Mapping[Any, Any]) -> Load:
    return Load(
        load_id=row["load_id"],
        source=row["source"],
        kind=row["kind"],
        sender=row["sender"],
        table=row["table_name"],
        state=row["state"],
        counts=counts_of(row),
        repeats=row["repeats"],
        error=row["error"],
        accepted_at=row["accepted_at"],
        finished_at=row["finished_at"],
        synced_at=row["synced_at"],
    )


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
