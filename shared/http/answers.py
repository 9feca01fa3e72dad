"""Answers: JSON, and tables as JSON or CSV, whichever the caller would rather have."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from flask import Request, Response

from shared.http.problems import Problem
from shared.validation.formulas import shield

_JSON, _CSV = "application/json", "text/csv"


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer of JSON; datetimes, UUIDs and dataclasses are written as one expects."""
    return Response(
        msgspec.json.encode(value), status, headers=dict(headers or {}), content_type=_JSON
    )


def table_answer(
    request: Request,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    envelope: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A table, as JSON `{**envelope, "rows": [...]}` or as CSV with a header row.

    Args:
        request: whose Accept header decides; JSON where it doesn't care.
        rows: one mapping a row.
        columns: what a row shows, in this order.
        envelope: what JSON says beside the rows.
        headers: sent with the answer.

    Raises:
        Problem: 406, the caller takes neither.
    """
    headers = {**(headers or {}), "Vary": "Accept"}
    if wants_csv(request):
        return Response(
            _as_csv(rows, columns), headers=headers, content_type=f"{_CSV}; charset=utf-8"
        )
    shown = [{column: row[column] for column in columns} for row in rows]
    return json_answer({**envelope, "rows": shown}, headers=headers)


def wants_csv(request: Request) -> bool:
    """Whether the caller would rather have CSV than JSON.

    Raises:
        Problem: 406, the caller takes neither.
    """
    accepted = request.accept_mimetypes
    if not accepted.provided:
        return False
    best = accepted.best_match([_JSON, _CSV])
    if best is None:
        raise Problem(
            406, "not-acceptable", f"This call answers as {_JSON} or {_CSV}; accept one of them."
        )
    return best == _CSV


def _as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return buffer.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return shield(value)
    if isinstance(value, datetime):
        return msgspec.json.encode(value).decode().strip('"')
    return value
