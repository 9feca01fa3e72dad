"""Reads the state of loads, and counts open rejects, for the dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.loading.entries import Why
from shared.loading.ledger import Counts, counts_of
from shared.validation.reasons import CATALOGUE

_SQL = Path(__file__).with_name("sql")


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
    rows_read: Annotated[
        int | None, Meta(description="Rows read so far, of a large file that is being loaded.")
    ] = None
    bytes_read: Annotated[int | None, Meta(description="Bytes of it that were read so far.")] = None
    size_bytes: Annotated[int | None, Meta(description="Its size, as it is stored.")] = None


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


def state(engine: sa.Engine, load_id: UUID) -> LoadProgress:
    """Find the state of a load.

    Raises:
        TransientError: try again.
    """
    rows = _ask(engine, "load", {"load_id": str(load_id)})
    if not rows or rows[0]["state"] == "loading":
        found = _ask(engine, "progress", {"load_id": str(load_id)})
        return LoadProgress(load_id, "pending", **(found[0] if found else {}))
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


def _ask(engine: sa.Engine, name: str, values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    with transaction(engine) as connection:
        return [dict(row) for row in connection.execute(_text(name), values).mappings()]


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
