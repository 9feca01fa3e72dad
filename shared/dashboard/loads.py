"""Reads loads and open rejects for the dashboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
from shared.validation.reasons import CATALOGUE

_SQL = Path(__file__).with_name("sql")
_CURSOR = re.compile(r"([0-9]{1,16})-([0-9a-f]{32})", re.ASCII)

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
    state: Literal["loading", "done", "failed"]
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


class LoadProgress(msgspec.Struct, frozen=True):
    """The state of a load."""

    load_id: UUID
    state: Annotated[
        Literal["pending", "done", "failed"],
        Meta(description="`pending` also for an id that was never issued."),
    ]
    table: str | None = None
    counts: Counts | None = None
    error: Why = None


class ReasonCount(msgspec.Struct, frozen=True):
    """How many rows of a table are rejected, or wait, for one reason."""

    table: str
    status: Literal["rejected", "waiting"]
    reason: Annotated[str, Meta(description="Code of the first error.")]
    title: Annotated[str, Meta(description="The reason in words.")]
    rows: Annotated[int, Meta(ge=1)]


class Reasons(msgspec.Struct, frozen=True):
    """Why rows are rejected or wait, the most frequent first."""

    rows: list[ReasonCount]


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


def page(engine: sa.Engine, most: int, after: Cursor | None) -> LoadPage:
    """List a page of loads, newest first.

    Raises:
        TransientError: try again.
    """
    values = {
        "rows": most + 1,
        # A limit that is always present lets PostgreSQL start in the index where the page starts.
        "before": after.started_at.isoformat() if after else "infinity",
        "before_id": str(after.load_id) if after else str(UUID(int=0)),
    }
    rows = _ask(engine, "loads_page", values)
    following = None
    if len(rows) > most:
        last = rows[most - 1]
        following = str(Cursor(last["started_at"], last["load_id"]))
    return LoadPage([_load(row) for row in rows[:most]], following)


def state(engine: sa.Engine, load_id: UUID) -> LoadProgress:
    """Find the state of a load.

    Raises:
        TransientError: try again.
    """
    rows = _ask(engine, "load", {"load_id": str(load_id)})
    if not rows or rows[0]["state"] == "loading":
        return LoadProgress(load_id, "pending")
    row = rows[0]
    return LoadProgress(load_id, row["state"], row["table_name"], counts_of(row), row["error"])


def reasons(engine: sa.Engine) -> Reasons:
    """Count open rejects by table and reason.

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


def _ask(engine: sa.Engine, name: str, values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    with transaction(engine) as connection:
        return [dict(row) for row in connection.execute(_text(name), values).mappings()]


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
