"""rejected_rows: look at rows that were turned away, correct and replay them, or put them away."""

import functions_framework
from flask import Request, Response

from shared import tables, wiring
from shared.api.rejected_rows import CORRECTIONS, DISCARD, LIST, REPLAY, Discard, Replay
from shared.http import bodies, rejects
from shared.http.problems import Problem
from shared.http.routes import Call, Door
from shared.loading import reject_queue


def look(call: Call) -> Response:
    """A page of rejects."""
    limit, cursor = rejects.limit(call.request), rejects.cursor(call.request)
    found = reject_queue.page(wiring.engine(), rejects.filters(call.request), limit + 1, cursor)
    return rejects.page(found, limit)


def corrections(call: Call) -> Response:
    """The open rejects of a table as a file to correct."""
    filters = rejects.filters(call.request)
    if filters.table_name is None:
        raise Problem(400, "unusable-filter", "Name the table: ?table=...", parameter="table")
    table = tables.find(filters.table_name)
    return rejects.file(table, reject_queue.to_correct(wiring.engine(), filters))


def replay(call: Call) -> Response:
    """Send corrected rows through the gate again."""
    corrected = rejects.corrected(bodies.read(call.request, Replay))
    engine, publisher, settings = wiring.engine(), wiring.publisher(), wiring.settings()
    return rejects.replayed(
        reject_queue.replay(engine, publisher, settings, call.sender, corrected)
    )


def discard(call: Call) -> Response:
    """Put rejects away."""
    ids = bodies.read(call.request, Discard).ids
    return rejects.discarded(reject_queue.discard(wiring.engine(), ids))


ROUTES = [LIST.to(look), CORRECTIONS.to(corrections), REPLAY.to(replay), DISCARD.to(discard)]
DOOR = Door("rejected_rows", ROUTES)


@functions_framework.http
def rejected_rows(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
