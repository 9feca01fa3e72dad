"""Stores rejected rows as they were sent, with the reasons; very large ones are cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from shared.database.copy import copy_in
from shared.lazy import sqlalchemy as sa
from shared.tables.column import escape
from shared.validation.reasons import ROW
from shared.validation.row import FieldError, Reject, storable

_COPY = "copy rejected_rows (load_id, sender, table_name, position, raw, errors, reason) from stdin"
_ENCODER = msgspec.json.Encoder()
_NULL = "\\N"
MAX_ROW_BYTES = 1 << 20
"""Size of a row, as JSON, up to which it is kept whole."""
KEPT_CHARACTERS = 10_000
"""Characters that are kept of a larger row's JSON."""
MAX_ERRORS_BYTES = 32 << 10
"""Size of a row's errors, as JSON, up to which their names and facts are kept whole."""
CUT = "row_cut"
"""Code of the last error of a row that is cut."""
# Of a name or a fact in errors that are larger together; an ellipsis follows it.
_FACT_CHARACTERS = 200


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
    if raws and len(max(raws, key=len)) > MAX_ROW_BYTES:
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
    """Return a reject whose row is the beginning of its text, and whose last error says so."""
    # One text, so that nothing takes what is left of an object for a row.
    raw = storable(reject.raw)
    text = raw if isinstance(raw, str) else _ENCODER.encode(raw).decode()
    facts = {"kept": KEPT_CHARACTERS, "size": len(text)}
    errors = (*reject.errors, FieldError(ROW, CUT, facts))
    return Reject(reject.position, text[:KEPT_CHARACTERS], errors)


def _shortened_errors(errors: Iterable[FieldError]) -> Iterable[FieldError]:
    for error in errors:
        facts = {name: _shortened(fact) for name, fact in error.facts.items()}
        yield FieldError(_shortened(error.field), error.code, facts)


def _shortened(value: Any) -> Any:
    """Cut a text, or anything else whose JSON is longer, and mark it with an ellipsis."""
    if not isinstance(value, str):
        text = _ENCODER.encode(value).decode()
        if len(text) <= _FACT_CHARACTERS:
            return value
        value = text
    if len(value) <= _FACT_CHARACTERS:
        return value
    return f"{value[:_FACT_CHARACTERS]}\u2026"


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
