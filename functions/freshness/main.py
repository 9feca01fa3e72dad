"""freshness: how far BigQuery is behind PostgreSQL."""

import functions_framework
from flask import Request, Response

from shared import wiring
from shared.api.freshness import READ
from shared.http.answers import json_answer
from shared.http.routes import Call, Door
from shared.warehouse import freshness as measured
from shared.warehouse.bigquery import connect


def read(_: Call) -> Response:
    """What the ledger has yet to bring, and what BigQuery has."""
    warehouse = connect(wiring.bigquery_client(), wiring.settings(), measured.TIMEOUT_SECONDS)
    return json_answer(measured.freshness(wiring.engine(), warehouse))


DOOR = Door("freshness", [READ.to(read)])


@functions_framework.http
def freshness(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
