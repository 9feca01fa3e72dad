"""Stores rejected rows as they were sent, with the reasons; very large ones are cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from shared.database.copy import copy_in
from shared.lazy import sqlalchemy as sa
from shared.tables.column import escape
from shared.validation import row
from shared.validation.row import FieldError, Reject
from shared.validation.storable import MAX_ROW_BYTES, shortened, storable

_COPY = "copy rejected_rows (load_id, sender, table_name, position, raw, errors, reason) from stdin"
_ENCODER = msgspec.json.Encoder()
_NULL = "\\N"
MAX_ERRORS_BYTES = 32 << 10
"""Size of a row's errors, as JSON, up to which their names and facts are kept whole."""


def keep(connection: sa.Connection, text: bytes) -> None:
    """Store rejects, as `copied` writes them, in the transaction of their load."""
    copy_in(connection, _COPY, (text,))


def copied(load_id: UUID, sender: str | None, table_name: str, rejects: Sequence[Reject]) -> bytes:
    """Write the rejects of a load as COPY text."""
    if not rejects:
        return b""
    head = f"{load_id}\t{escape(sender) if sender else _NULL}\t{table_name}".encode()
    reasons = _Reasons()
    raws = _json([reject.raw for reject in rejects])
    if len(max(raws, key=len)) > MAX_ROW_BYTES:
        rejects = [
            _cut(reject) if len(raw) > MAX_ROW_BYTES else reject
            for reject, raw in zip(rejects, raws, strict=True)
        ]
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
            text = b",".join([error.encoded for error in errors])
            if len(text) > MAX_ERRORS_BYTES:
                text = b",".join([error.encoded for error in _shortened_errors(errors)])
            text = text.replace(b"\\", b"\\\\")
            found = self._made[id(errors)] = errors, b"[%b]\t%b" % (text, errors[0].code.encode())
        return found[1]


def _cut(reject: Reject) -> Reject:
    raw = storable(reject.raw)
    text = raw if isinstance(raw, str) else _ENCODER.encode(raw).decode()
    return row.cut(reject.position, text, reject.errors)


def _shortened_errors(errors: Iterable[FieldError]) -> Iterable[FieldError]:
    for error in errors:
        facts = {name: _shortened(fact) for name, fact in error.facts.items()}
        yield FieldError(shortened(error.field), error.code, facts)


def _shortened(value: Any) -> Any:
    """Cut a text, or anything else whose JSON is long."""
    text = value if isinstance(value, str) else _ENCODER.encode(value).decode()
    cut = shortened(text)
    return value if cut == text else cut


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
