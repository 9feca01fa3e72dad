"""Stores rejected rows as they were sent, with the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from shared.database.copy import copy_in
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.tables.column import escape
from shared.validation.row import FieldError, Reject, storable

_SQL = Path(__file__).with_name("sql")
_COPY = "copy rejected_rows (load_id, sender, table_name, position, raw, errors, reason) from stdin"
_ENCODER = msgspec.json.Encoder()
_NULL = "\\N"


def keep(
    connection: sa.Connection,
    load_id: UUID,
    sender: str | None,
    table_name: str,
    rejects: Iterable[Reject],
) -> None:
    """Store the rejects of a load, in its transaction."""
    if text := copied(load_id, sender, table_name, list(rejects)):
        copy_in(connection, _COPY, (text,))


def copied(load_id: UUID, sender: str | None, table_name: str, rejects: Sequence[Reject]) -> bytes:
    """Write rejects as COPY text."""
    head = f"{load_id}\t{escape(sender) if sender else _NULL}\t{table_name}".encode()
    reasons = _Reasons()
    raws = _json([reject.raw for reject in rejects])
    return b"".join(
        [
            b"%b\t%d\t%b\t%b\n" % (head, reject.position, raw, reasons.of(reject.errors))
            for reject, raw in zip(rejects, raws, strict=True)
        ]
    )


class _Reasons:
    """The last two columns, encoded once for all rows that have the same errors."""

    def __init__(self) -> None:
        # Keyed by identity; the errors are kept, so that no other object can get the same id.
        self._made: dict[int, tuple[tuple[FieldError, ...], bytes]] = {}

    def of(self, errors: tuple[FieldError, ...]) -> bytes:
        found = self._made.get(id(errors))
        if found is None:
            # JSON already escapes control characters, so COPY needs only backslashes escaped.
            text = b",".join([error.encoded for error in errors]).replace(b"\\", b"\\\\")
            found = self._made[id(errors)] = errors, b"[%b]\t%b" % (text, errors[0].code.encode())
        return found[1]


def of_load(connection: sa.Connection, load_id: UUID) -> Iterator[tuple[int, Any, str]]:
    """Stream the rejects of a load as (position, row, reasons in a sentence)."""
    found = sa.text(statement(_SQL, "rejects_of_load"))
    streamed = connection.execution_options(yield_per=1000)
    for position, raw, errors in streamed.execute(found, {"load_id": str(load_id)}):
        yield position, raw, sentence(errors)


def sentence(errors: Iterable[dict[str, Any]]) -> str:
    """Write all errors of a row as people read them."""
    known = (FieldError(e["field"], e["code"], e.get("facts", {})) for e in errors)
    return " ".join(f"{error.field}: {error.sentence()}" for error in known)


def _json(raws: list[Any]) -> list[bytes]:
    """Encode rows as JSON, escaped for COPY."""
    try:
        # JSON escapes line ends, so a row never contains one.
        text = _ENCODER.encode_lines(raws)
    except UnicodeEncodeError:
        text = b"\\u0000"
    if b"\\u0000" in text:
        text = _ENCODER.encode_lines(map(storable, raws))
    return text.replace(b"\\", b"\\\\").split(b"\n")[:-1]
