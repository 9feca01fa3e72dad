"""Rejects as callers see them: from filters and bodies to what is answered."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Request, Response

from shared import tables
from shared.api.rejected_rows import (
    ID_TEXT,
    MAX_PAGE_ROWS,
    STATUSES,
    Discarded,
    FieldFault,
    NotOpen,
    Reject,
    RejectPage,
    Replay,
    Replayed,
    ReplayLoad,
    StillRejected,
)
from shared.http.answers import json_answer
from shared.http.batches import by_field, counts_of
from shared.http.problems import Problem
from shared.loading.reject_queue import Filters
from shared.tables.table import Table
from shared.validation import corrections
from shared.validation.row import FieldError

if TYPE_CHECKING:
    # Heavy, and a function's start must not wait for it.
    from shared.loading.reject_queue import Filters, Outcome

_LARGEST = 2**63 - 1
_DEFAULT_PAGE_ROWS = 100
_FILTERS = ("table", "source", "status", "load_id", "reason")


def filters(request: Request) -> "Filters":
    """Which rejects a call means.

    Raises:
        Problem: 400, a filter there is not, or with a value it cannot have.
        UnknownTable: the dictionary has no such table.
    """
    given = request.args
    unknown = set(given) - {*_FILTERS, "limit", "cursor"}
    if unknown:
        raise _unusable(min(unknown), f"is no filter; there are {', '.join(_FILTERS)}")
    status, source, reason = given.get("status"), given.get("source"), given.get("reason")
    if status is not None and status not in STATUSES:
        raise _unusable("status", f"is one of {', '.join(STATUSES)}")
    for name in ("source", "reason"):
        # PostgreSQL's text cannot hold one.
        if "\x00" in given.get(name, ""):
            raise _unusable(name, "holds no NUL character")
    table = tables.find(given["table"]).name if "table" in given else None
    return Filters(table, source, status, _uuid(given.get("load_id")), reason)


def limit(request: Request) -> int:
    """How many rows a page may have.

    Raises:
        Problem: 400, no number in range.
    """
    text = request.args.get("limit", str(_DEFAULT_PAGE_ROWS))
    return _number("limit", text, MAX_PAGE_ROWS)


def cursor(request: Request) -> int | None:
    """Where the page before has ended.

    Raises:
        Problem: 400, no cursor of ours.
    """
    text = request.args.get("cursor")
    return None if text is None else _number("cursor", text, _LARGEST)


def page(rows: Sequence[Mapping[str, Any]], most: int) -> Response:
    """A page; one row more than `most` says that there is another."""
    shown = [_reject(row) for row in rows[:most]]
    following = str(shown[-1].reject_id) if len(rows) > most else None
    return json_answer(RejectPage(shown, following))


def file(table: Table, rejects: Iterator[tuple[int, Any, str]]) -> Response:
    """A file of corrections, streamed; its name is one that the uploads bucket takes."""
    # Asked for before the answer begins, so that a fault can still be told.
    first = next(rejects, None)
    lines = corrections.lines(table, chain([first] if first else [], rejects))
    name = f"{table.name}-corrected.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, headers=headers, content_type="text/csv; charset=utf-8")


def corrected(body: Replay) -> dict[int, Any]:
    """The corrected rows by the id of the reject that each corrects.

    Raises:
        Problem: 400, a key is no id.
    """
    found = {}
    for text, row in body.rows.items():
        if not re.fullmatch(ID_TEXT, text):
            raise Problem(
                400,
                "invalid-body",
                "The keys of rows are reject_ids; see GET /rejected_rows.",
                pointer="/rows",
            )
        found[int(text)] = row
    return found


def replayed(outcome: "Outcome") -> Response:
    """What became of corrected rows."""
    loads = [
        ReplayLoad(entry.table_name or "", entry.load_id, counts_of(entry.counts))
        for entry in outcome.entries
    ]
    refused = [StillRejected(i, by_field(errors)) for i, errors in outcome.refused.items()]
    return json_answer(Replayed(sorted(outcome.closed), loads, refused, _not_open(outcome)))


def discarded(outcome: "Outcome") -> Response:
    """What became of rejects that were to be put away."""
    return json_answer(Discarded(sorted(outcome.closed), _not_open(outcome)))


def _not_open(outcome: "Outcome") -> list[NotOpen]:
    return [NotOpen(reject_id, status) for reject_id, status in outcome.not_open.items()]


def _reject(row: Mapping[str, Any]) -> Reject:
    known = {name: row[name] for name in Reject.__struct_fields__ if name in row}
    errors = [FieldError(e["field"], e["code"], e.get("facts", {})) for e in row["errors"]]
    told = [FieldFault(error.field, error.code, error.sentence()) for error in errors]
    return Reject(**{**known, "table": row["table_name"], "errors": told})


def _uuid(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise _unusable("load_id", "is a UUID") from None


def _number(name: str, text: str, largest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= largest):
        raise _unusable(name, f"is a whole number from 1 to {largest}")
    return int(text)


def _unusable(name: str, rule: str) -> Problem:
    return Problem(400, "unusable-filter", f"{name[:100]!r} {rule}.", parameter=name[:100])
