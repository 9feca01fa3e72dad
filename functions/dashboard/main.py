"""dashboard: a page to watch and work the platform with, and the calls that only it makes."""

import functions_framework
from flask import Request, Response

from shared import tables, wiring
from shared.api.dashboard import ASSET, LOAD, LOADS, PAGE, REASONS, TABLES, UPLOAD
from shared.dashboard import assets, dictionary, ledger, queries, uploads
from shared.http.answers import json_answer
from shared.http.routes import Call, Door


def loads(call: Call) -> Response:
    """A page of loads."""
    most, after = queries.limit(call.request), queries.cursor(call.request)
    return json_answer(ledger.loads(wiring.engine(), most, after))


def load(call: Call) -> Response:
    """Where a load stands."""
    load_id = queries.load_id(call.params["load_id"])
    return json_answer(ledger.state(wiring.engine(), load_id))


def reasons(_: Call) -> Response:
    """Open rejects by reason."""
    return json_answer(ledger.reasons(wiring.engine()))


def upload(call: Call) -> Response:
    """Put a file in the uploads bucket."""
    table = tables.find(call.params["table"])
    done = uploads.take(wiring.storage_client(), wiring.settings(), call, table)
    return json_answer(done, 201, {"Location": f"/dashboard/loads/{done.load_id}"})


ROUTES = [
    PAGE.to(lambda call: assets.page(call.request)),
    ASSET.to(lambda call: assets.asset(call.request, call.params["name"])),
    TABLES.to(lambda _: json_answer(dictionary.told(wiring.settings()))),
    *(LOADS.to(loads), LOAD.to(load), REASONS.to(reasons), UPLOAD.to(upload)),
]
DOOR = Door("dashboard", ROUTES)


@functions_framework.http
def dashboard(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
