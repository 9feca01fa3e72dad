"""Routes of freshness."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.http.descriptions import Answer
from shared.http.routes import Route

Moment = datetime | None
Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]


class TableFreshness(msgspec.Struct):
    """How far a table is behind."""

    table: str
    as_of: Annotated[
        Moment,
        Meta(
            description="When the newest load that BigQuery includes was finished; null before "
            "the first, and where BigQuery is away."
        ),
    ]
    changed_at: Annotated[Moment, Meta(description="When its rows there last changed.")]
    checked_at: Annotated[
        Moment, Meta(description="When it was last found that nothing was missing.")
    ]
    unsynced: Annotated[
        Count, Meta(description="Finished loads of it that BigQuery has yet to see.")
    ]
    oldest_unsynced: Annotated[
        Moment, Meta(description="When the oldest of them was finished; null without one.")
    ]
    lag_seconds: Annotated[Seconds, Meta(description="How long ago that was; 0 without one.")]


class Freshness(msgspec.Struct):
    """How far BigQuery is behind PostgreSQL."""

    bigquery: Annotated[bool, Meta(description="Whether BigQuery answered.")]
    newest_synced: Annotated[
        Moment, Meta(description="When the newest load that BigQuery includes was finished.")
    ]
    unsynced: Annotated[
        Count,
        Meta(description="Finished loads that BigQuery has yet to see, those that failed too."),
    ]
    oldest_unsynced: Annotated[
        Moment, Meta(description="When the oldest of them was finished; null without one.")
    ]
    lag_seconds: Annotated[Seconds, Meta(description="How long ago that was; 0 without one.")]
    tables: list[TableFreshness]


_EXAMPLE = {
    "bigquery": True,
    "newest_synced": "2026-01-02T03:04:05Z",
    "unsynced": 1,
    "oldest_unsynced": "2026-01-02T03:04:06Z",
    "lag_seconds": 0.4,
    "tables": [
        {
            "table": "jobs",
            "as_of": "2026-01-02T03:04:05Z",
            "changed_at": "2026-01-02T03:04:05.6Z",
            "checked_at": "2026-01-02T03:00:00Z",
            "unsynced": 1,
            "oldest_unsynced": "2026-01-02T03:04:06Z",
            "lag_seconds": 0.4,
        }
    ],
}

READ = Route(
    "GET",
    "/",
    scope="metrics",
    summary="How far BigQuery is behind",
    description="Asks the ledger what is not synced, and BigQuery what it has. Where BigQuery is "
    "away it says so, and tells what the ledger knows.",
    answers=(Answer(200, "How far each table is behind.", Freshness, _EXAMPLE),),
)

ROUTES = (READ,)
