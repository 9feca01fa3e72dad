"""freshness: how far BigQuery is behind PostgreSQL."""

import functions_framework
from flask import Request, Response

from shared import wiring
from shared.api.freshness import READ
from shared.first_use import importing
from shared.http.answers import json_answer
from shared.http.routes import Call, Door


def read(_: Call) -> Response:
    """What the ledger has yet to bring, and what BigQuery has."""
    # With the first call, not with the start: they take half a second to import.
    with importing():
        from shared.warehouse.bigquery import connect
        from shared.warehouse.freshness import TIMEOUT_SECONDS, freshness

    warehouse = connect(wiring.bigquery_client(), wiring.settings(), TIMEOUT_SECONDS)
    return json_answer(freshness(wiring.engine(), warehouse))


DOOR = Door("freshness", [READ.to(read)])


@functions_framework.http
def freshness(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
