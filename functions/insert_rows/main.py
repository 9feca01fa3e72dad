"""insert_rows: take a batch over HTTP, publish its rows, answer once Pub/Sub has them."""

import functions_framework
from flask import Request, Response

from shared import tables, wiring
from shared.api.insert_rows import INSERT, MAX_WAIT_SECONDS, STATE
from shared.http import batches, bodies
from shared.http.preferences import wait_seconds
from shared.http.routes import Call, Door
from shared.loading.batches import Batch, publish_batch


def insert(call: Call) -> Response:
    """Judge the rows of a batch and publish it, unless it is a repeat of one that was stored."""
    table = tables.find(call.params["table"])
    body = bodies.json_content(call.request)
    verdict = batches.judged(table, body)
    claim = batches.claim(wiring.engine, call, table, body)
    entry = batches.entry_of(wiring.engine, claim.batch_id) if claim.repeated else None
    if entry is None:
        batch = Batch(claim.batch_id, table, call.sender, claim.accepted_at, verdict)
        publish_batch(wiring.publisher(), wiring.settings(), batch, body)
    if not verdict.rows:
        raise batches.none_accepted(claim.batch_id, verdict)
    wait = wait_seconds(call.request, MAX_WAIT_SECONDS)
    if wait:
        entry = entry or batches.entry_of(wiring.engine, claim.batch_id, wait)
    return batches.answer(claim.batch_id, table, verdict, wait, entry)


def state(call: Call) -> Response:
    """Where a batch stands."""
    batch_id = call.params["batch_id"]
    return batches.standing(batch_id, batches.entry_of(wiring.engine, batch_id))


DOOR = Door("insert_rows", [INSERT.to(insert), STATE.to(state)])


@functions_framework.http
def insert_rows(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
