"""The ledger: what became of each file, batch, replay and restore."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

from flask import Response

from shared import tables, wiring
from shared.api import examples
from shared.http import queries
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import Context, Parameter, ResponseSpec, Route
from shared.loading import entries
from shared.loading.entries import CURSOR_PATTERN, Cursor, Load, LoadFilters, LoadPage, State
from shared.loading.ledger import Counts, Kind

MAX_PAGE_LOADS = 200
_DEFAULT_PAGE_LOADS = 20

_STATES, _KINDS = get_args(State), get_args(Kind)
_NO_NUL = r"^[^\u0000]*$"


def list_loads(context: Context) -> Response:
    """List a page of loads."""
    given = context.request.args
    most = queries.whole_number(
        "limit", given.get("limit", str(_DEFAULT_PAGE_LOADS)), MAX_PAGE_LOADS
    )
    after = None
    if (text := given.get("cursor")) is not None and (after := Cursor.parse(text)) is None:
        raise queries.unusable("cursor", "is the next_cursor of the previous page")
    state: Any = queries.one_of("state", given.get("state"), _STATES)
    kind: Any = queries.one_of("kind", given.get("kind"), _KINDS)
    filters = LoadFilters(
        state,
        tables.find(given["table"]).name if "table" in given else None,
        queries.without_nul("sender", given.get("sender")),
        kind,
        queries.moment("since", given["since"]) if "since" in given else None,
    )
    return json_response(entries.page(wiring.engine(), most, after, filters))


def find_load(context: Context) -> Response:
    """Answer with a load's entry."""
    load_id = queries.uuid("load_id", context.params["load_id"])
    found = entries.find(wiring.engine(), load_id)
    if found is None:
        raise Problem(
            404,
            "unknown-load",
            f"There is no load {load_id}. A file that was just sent has one once it is read; "
            "GET /loads lists the others.",
        )
    return json_response(found)


_LOAD_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_LOAD = Load(
    load_id=_LOAD_ID,
    source=f"gs://tablegate-uploads/{examples.TABLE}.csv#1",
    kind="file",
    sender=None,
    table=examples.TABLE,
    state="done",
    counts=Counts(inserted=2, rejected=1),
    repeats=None,
    error=None,
    accepted_at=_MOMENT,
    finished_at=_MOMENT,
    synced_at=None,
)


def _filter(name: str, description: str, example: Any = None, **schema: Any) -> Parameter:
    return Parameter(name, "query", description, {"type": "string", **schema}, example=example)


LIST = Route(
    "GET",
    "/",
    list_loads,
    # Not `metrics`: senders, file names and the content of failed files are for operators.
    scope="read",
    summary="List loads",
    description="Newest first: files, batches, replays and restores. A load must match every "
    "filter given.",
    parameters=(
        _filter("state", "Their state.", "failed", enum=list(_STATES)),
        _filter("table", "Their table.", examples.TABLE),
        _filter("sender", "Whose they are.", "acme", pattern=_NO_NUL),
        _filter("kind", "Their kind.", "file", enum=list(_KINDS)),
        _filter(
            "since",
            "Accepted at that moment or later, in ISO 8601; without an offset it is UTC.",
            "2026-01-02T03:04:05Z",
        ),
        Parameter(
            "limit",
            "query",
            "Loads per page.",
            {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_PAGE_LOADS,
                "default": _DEFAULT_PAGE_LOADS,
            },
        ),
        _filter("cursor", "The `next_cursor` of the previous page.", pattern=CURSOR_PATTERN),
    ),
    responses=(ResponseSpec(200, "A page.", LoadPage, LoadPage([_LOAD], None)),),
    problems={400: ("unusable-parameter",), 404: ("unknown-table",)},
)

FIND = Route(
    "GET",
    "/<load_id>",
    find_load,
    scope="read",
    summary="A load's entry in the ledger",
    parameters=(
        Parameter(
            "load_id",
            "path",
            "Its id.",
            {"type": "string", "format": "uuid"},
            example=str(_LOAD_ID),
        ),
    ),
    responses=(ResponseSpec(200, "The entry.", Load, _LOAD),),
    problems={400: ("unusable-parameter",), 404: ("unknown-load",)},
)

ROUTES = {"loads": (LIST, FIND)}
