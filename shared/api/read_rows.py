"""The rows of a table, as they are stored."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import msgspec
from flask import Response

from shared import stored_rows, tables, wiring
from shared.http import queries
from shared.http.document import KEY, REF
from shared.http.problems import Problem
from shared.http.responses import CSV, JSON, NDJSON, csv_lines, json_response, preferred, streamed
from shared.http.routes import Context, Parameter, ResponseSpec, Route
from shared.stored_rows import Key, Range
from shared.tables import stored
from shared.tables.table import Table

MAX_PAGE_ROWS = 1000
_DEFAULT_PAGE_ROWS = 100
_LINES_AT_ONCE = 500
_MOST_ROWS = 2**31 - 1


class RowPage(msgspec.Struct):
    """A page of rows: the fields of each, then `accepted_at` and `load_id`.

    Rows of an append-only table have their `position`, too.
    """

    rows: list[dict[str, Any]]
    next_cursor: str | None


def list_rows(context: Context) -> Response:
    """Answer with a page of rows as JSON, or with all of them as CSV or NDJSON."""
    table = tables.find(context.params["table"])
    form = preferred(context.request, (JSON, CSV, NDJSON))
    given = context.request.args
    within, after = _range(given, table), _key("cursor", given, table)
    most = queries.whole_number("limit", given["limit"], _MOST_ROWS) if "limit" in given else None
    if form == JSON:
        count = min(most or _DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS)
        page = stored_rows.page(wiring.engine(), table, within, after, count)
        following = stored_rows.key_text(table, page.rows[-1]) if page.is_followed else None
        return json_response(RowPage(page.rows, following), headers={"Vary": "Accept"})
    found = islice(stored_rows.rows(wiring.engine(), table, within, after), most)
    # Read before the response begins, so that an error can still become a problem.
    first = next(found, None)
    lines = _lines(table, form, chain([first] if first else [], found))
    settings = wiring.settings()
    sent = streamed(context.request, lines, settings.stream_seconds, settings.call_seconds)
    return Response(sent, headers={"Vary": "Accept"}, content_type=f"{form}; charset=utf-8")


def find_row(context: Context) -> Response:
    """Answer with one row."""
    table = tables.find(context.params["table"])
    key = _key("key", context.params, table)
    found = None if key is None else stored_rows.find(wiring.engine(), table, key)
    if found is None:
        raise Problem(
            404,
            "unknown-row",
            f"{table.name} has no row with this key; it may be rejected or waiting: see "
            "GET /rejected_rows.",
        )
    return json_response(found)


def _lines(
    table: Table, form: str, found: Iterator[dict[str, Any]]
) -> Generator[bytes, None, None]:
    names = tuple(stored.columns(table))
    encoder = msgspec.json.Encoder()
    if form == CSV:
        yield csv_lines([names])
    while some := list(islice(found, _LINES_AT_ONCE)):
        if form == CSV:
            yield csv_lines([row[name] for name in names] for row in some)
        else:
            yield encoder.encode_lines(some)


def _range(given: Mapping[str, str], table: Table) -> Range:
    since = queries.moment("since", given["since"]) if "since" in given else None
    return Range(_key("from", given, table), _key("to", given, table), since)


def _key(name: str, given: Mapping[str, str], table: Table) -> Key | None:
    if name not in given:
        return None
    try:
        return stored_rows.parse_key(table, given[name])
    except ValueError as error:
        raise queries.unusable(name, str(error)) from None


_KEY_WORDS = (
    "as a cell of a file has it; of several fields, a line of CSV; of an append-only table, a "
    "load's id and a position, separated by a comma."
)
# In the document, each table has schemas of its own.
ROW = {"$ref": REF.format(name="{table}_stored")}
PAGE = {"$ref": REF.format(name="{table}_page")}

LIST = Route(
    "GET",
    "/<table>",
    list_rows,
    scope="read",
    summary="Read the rows of {table}",
    description="In the order of their keys. As JSON it is a page; as CSV or NDJSON, by `Accept`, "
    "all rows, or `limit` of them, in one response. It is cut off if it takes longer than "
    "`STREAM_SECONDS`: go on `from` the last key, or use a backup for a whole large table. In CSV "
    "a cell that a spreadsheet would run as a formula starts with an apostrophe.",
    parameters=(
        Parameter("from", "query", f"The first key, {_KEY_WORDS}", KEY),
        Parameter("to", "query", f"The last key, {_KEY_WORDS}", KEY),
        Parameter(
            "since",
            "query",
            "Rows accepted at that moment or later, in ISO 8601; without an offset it is UTC. No "
            "index helps to find them, so on a large table name a range of keys, too.",
            {"type": "string", "format": "date-time"},
            example="2026-01-02T03:04:05Z",
        ),
        Parameter(
            "limit",
            "query",
            f"How many rows. A page has {_DEFAULT_PAGE_ROWS} unless told otherwise, and "
            f"{MAX_PAGE_ROWS} at most.",
            {"type": "integer", "minimum": 1, "maximum": _MOST_ROWS},
        ),
        Parameter("cursor", "query", "The `next_cursor` of the previous page.", KEY),
    ),
    responses=(
        ResponseSpec(200, "A page.", PAGE),
        ResponseSpec(200, "All rows.", media_type=CSV),
        ResponseSpec(200, "All rows.", media_type=NDJSON),
    ),
    problems={400: ("unusable-parameter",), 404: ("unknown-table",), 406: ("not-acceptable",)},
)

FIND = Route(
    "GET",
    "/<table>/<path:key>",
    find_row,
    scope="read",
    summary="Read one row of {table}",
    parameters=(Parameter("key", "path", f"Its key, {_KEY_WORDS}", KEY),),
    responses=(ResponseSpec(200, "The row.", ROW),),
    problems={400: ("unusable-parameter",), 404: ("unknown-table", "unknown-row")},
)

ROUTES = {"read_rows": (LIST, FIND)}
