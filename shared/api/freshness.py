"""How far BigQuery is behind PostgreSQL."""

from flask import Response

from shared import wiring
from shared.api import examples
from shared.http.responses import json_response
from shared.http.routes import Context, ResponseSpec, Route
from shared.warehouse.bigquery import connect
from shared.warehouse.freshness import TIMEOUT_SECONDS, Freshness, freshness


def read(_: Context) -> Response:
    """Answer with the loads that are not synced yet, and with what BigQuery has."""
    warehouse = connect(wiring.bigquery_client(), wiring.settings(), TIMEOUT_SECONDS)
    return json_response(freshness(wiring.engine(), warehouse))


_EXAMPLE = {
    "bigquery": True,
    "newest_synced": "2026-01-02T03:04:05Z",
    "unsynced": 1,
    "oldest_unsynced": "2026-01-02T03:04:06Z",
    "lag_seconds": 0.4,
    "tables": [
        {
            "table": examples.TABLE,
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
    read,
    scope="metrics",
    summary="How far BigQuery is behind",
    description="Reads from the ledger which loads are not synced, and from BigQuery which are. If "
    "BigQuery is unavailable, the response says so and holds only the ledger's part.",
    responses=(ResponseSpec(200, "How far each table is behind.", Freshness, _EXAMPLE),),
)

ROUTES = {"freshness": (READ,)}
