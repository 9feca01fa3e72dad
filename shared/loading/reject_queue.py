"""The reject queue: lists rejects, replays corrected ones, and discards others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from shared import logs, strict_json, tables
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import TransientError
from shared.lazy import sqlalchemy as sa
from shared.loading import store
from shared.loading.batches import Batch
from shared.loading.ledger import Entry
from shared.loading.load import load_within
from shared.loading.rejects import sentence
from shared.settings import Settings
from shared.tables.table import Table
from shared.validation.json_batch import Verdict
from shared.validation.reasons import ROW
from shared.validation.row import CUT, FieldError, validate_row

_SQL = Path(__file__).with_name("sql")
_OPEN = ("rejected", "waiting")
MAX_PAGE_BYTES = 4 << 20
"""Size of rows and errors, as JSON, with which a page of rejects ends."""
_ROWS_AT_ONCE = 1000

Id: TypeAlias = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Status: TypeAlias = Literal["rejected", "waiting", "replayed", "loaded", "discarded"]


@dataclass(frozen=True)
class Filters:
    """Which rejects a call selects; a filter that is None matches all.

    Attributes:
        table_name: the table that their rows were sent to.
        source: the file with or without its generation, or a batch's id.
        status: their status.
        load_id: the load that rejected them.
        reason: code of their first error.
    """

    table_name: str | None = None
    source: str | None = None
    status: str | None = None
    load_id: UUID | None = None
    reason: str | None = None

    def values(self) -> dict[str, Any]:
        """Return the filters as parameters of a statement."""
        return {**asdict(self), "load_id": str(self.load_id) if self.load_id else None}


class FieldFault(msgspec.Struct, frozen=True):
    """An error in a field."""

    field: Annotated[str, Meta(description="`_row` for the row as a whole.")]
    code: Annotated[str, Meta(description="A stable word for the reason.")]
    message: str


class Reject(msgspec.Struct, frozen=True):
    """A row that was rejected, or waits for its parent."""

    reject_id: Id
    load_id: UUID
    source: Annotated[str, Meta(description="`gs://bucket/object#generation`, or a batch's id.")]
    sender: str | None
    table: str
    position: Annotated[int, Meta(description="Line in its file, or index in its batch.")]
    raw: Annotated[Any, Meta(description="The row as received.")]
    errors: list[FieldFault]
    reason: Annotated[str, Meta(description="Code of the first error.")]
    status: Status
    rejected_at: datetime


@dataclass
class Outcome:
    """The results of a replay or discard.

    Attributes:
        closed: those that were replayed or discarded.
        entries: the loads of the corrected rows, one for each table.
        waiting: those whose corrected row is valid and waits for its parent; they stay open.
        refused: those whose corrected row is invalid too, and why; they stay open.
        not_open: the other rejects, with their status; None if there is no such reject.
    """

    closed: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    refused: dict[int, tuple[FieldError, ...]] = field(default_factory=dict)
    not_open: dict[int, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page of rejects, and whether older ones follow."""

    rejects: list[Reject]
    is_followed: bool


def page(
    engine: sa.Engine,
    filters: Filters,
    rows: int,
    before: int | None,
    max_bytes: int = MAX_PAGE_BYTES,
) -> Page:
    """List a page of rejects, newest first.

    Args:
        engine: the database.
        filters: which rejects to list.
        rows: the most rejects on the page.
        before: list only rejects older than this one.
        max_bytes: the page ends with the reject that takes it to this size.

    Raises:
        TransientError: try again.
    """
    # One more than fits on the page shows that another page follows.
    values = {**filters.values(), "rows": rows + 1, "before": before, "max_bytes": max_bytes}
    with transaction(engine) as connection:
        found = connection.execute(_text("rejects_page"), values).all()
    kept = found[:rows]
    return Page([_reject(row) for row in kept], bool(kept) and kept[0].found > len(kept))


def _errors(row: Any) -> tuple[FieldError, ...]:
    return tuple(FieldError(e["field"], e["code"], e.get("facts", {})) for e in row.errors)


def _reject(row: Any) -> Reject:
    return Reject(
        reject_id=row.reject_id,
        load_id=row.load_id,
        source=row.source,
        sender=row.sender,
        table=row.table_name,
        position=row.position,
        raw=strict_json.decode_exact(row.raw.encode()),
        errors=[FieldFault(error.field, error.code, error.sentence()) for error in _errors(row)],
        reason=row.reason,
        status=row.status,
        rejected_at=row.rejected_at,
    )


def to_correct(
    engine: sa.Engine, filters: Filters, max_bytes: int = MAX_PAGE_BYTES
) -> Iterator[tuple[int, Any, str]]:
    """Yield the open rejects of a table as (position, row, reasons), without those kept cut.

    They are read in pages, and no transaction is open while the caller uses them.

    Raises:
        TransientError: before the first one, try again; after it, the iterator ends early.
    """
    values: dict[str, Any] = {**filters.values(), "rows": _ROWS_AT_ONCE, "max_bytes": max_bytes}
    del values["status"]
    after: int | None = 0
    while after is not None:
        with transaction(engine) as connection:
            found = connection.execute(
                _text("rejects_to_correct"), {**values, "after": after}
            ).all()
        after = found[-1].reject_id if found else None
        for row in found:
            yield row.position, strict_json.decode_exact(row.raw.encode()), sentence(row.errors)


def discard(engine: sa.Engine, ids: Sequence[int]) -> Outcome:
    """Close rejects that will not be corrected.

    Raises:
        TransientError: try again.
    """
    with transaction(engine) as connection:
        closed = _close(connection, ids, "discarded")
    left = [reject_id for reject_id in dict.fromkeys(ids) if reject_id not in set(closed)]
    known = _named(engine, left)
    return Outcome(closed, not_open={i: known[i].status if i in known else None for i in left})


def replay(
    engine: sa.Engine,
    publisher: Any,
    settings: Settings,
    sender: str,
    corrected: Mapping[int, Any],
) -> Outcome:
    """Validate corrected rows, store those that are valid, and close their rejects.

    A reject is closed in the transaction that stores its row, so of simultaneous calls one closes
    it. A row that the table refuses, or whose parent is still missing, stays open under its id.

    Raises:
        TransientError: call again.
    """
    outcome = Outcome()
    known = _named(engine, list(corrected))
    valid: dict[str, dict[int, dict[str, Any]]] = {}
    for reject_id, row in corrected.items():
        reject = known.get(reject_id)
        if reject is None or reject.status not in _OPEN:
            outcome.not_open[reject_id] = reject.status if reject else None
            continue
        if reject.cut is not None:
            outcome.refused[reject_id] = (FieldError(ROW, CUT, reject.cut),)
            continue
        validated = validate_row(tables.find(reject.table_name), row)
        if isinstance(validated, tuple):
            outcome.refused[reject_id] = validated
        else:
            valid.setdefault(reject.table_name, {})[reject_id] = validated
    for name, rows in valid.items():
        _store_corrected(engine, settings, tables.find(name), sender, rows, outcome)
    _add_not_open(engine, [i for rows in valid.values() for i in rows], outcome)
    for entry in outcome.entries:
        _announce(engine, publisher, settings, entry)
    return outcome


def _store_corrected(
    engine: sa.Engine,
    settings: Settings,
    table: Table,
    sender: str,
    rows: Mapping[int, dict[str, Any]],
    outcome: Outcome,
) -> None:
    """Store the rows whose rejects are open, and close these, in one transaction."""
    timeout = settings.lock_timeout_seconds
    with transaction(engine, lock_timeout_seconds=timeout) as connection:
        claimed = _close(connection, list(rows), "replayed")
        if not claimed:
            return
        batch = _batch(table, sender, {reject_id: rows[reject_id] for reject_id in claimed})
        source = store.source_of(batch)
        loaded = load_within(connection, source, lambda: [batch.block()])
        kept_open = connection.execute(_text("keep_open"), {"load_id": str(source.load_id)}).all()
    loaded.log(source)
    outcome.entries.append(loaded.entry)
    for row in kept_open:
        if row.status == "waiting":
            outcome.waiting.append(row.reject_id)
        else:
            outcome.refused[row.reject_id] = _errors(row)
    open_ids = {row.reject_id for row in kept_open}
    outcome.closed += [reject_id for reject_id in claimed if reject_id not in open_ids]


def _add_not_open(engine: sa.Engine, ids: Sequence[int], outcome: Outcome) -> None:
    """Add the rejects that another call has closed meanwhile."""
    done = {*outcome.closed, *outcome.waiting, *outcome.refused}
    left = [reject_id for reject_id in ids if reject_id not in done]
    known = _named(engine, left) if left else {}
    outcome.not_open |= {i: known[i].status if i in known else None for i in left}


def _announce(engine: sa.Engine, publisher: Any, settings: Settings, entry: Entry) -> None:
    try:
        store.announce(engine, publisher, settings, entry)
    except TransientError as error:
        # The rows are stored, so the call must not be repeated; the sweep does the rest.
        logs.line("WARNING", "A replay is announced by the sweep", error=str(error))


def _batch(table: Table, sender: str, rows: Mapping[int, dict[str, Any]]) -> Batch:
    values: dict[int, Sequence[Any]] = {
        # The position of a row is the id of its reject.
        reject_id: [validated[name] for name in table.names]
        for reject_id, validated in rows.items()
    }
    return Batch(uuid4(), table, sender, datetime.now(UTC), Verdict(len(values), values), "replay")


def _close(
    connection: sa.Connection, ids: Sequence[int], status: Literal["replayed", "discarded"]
) -> list[int]:
    values = {"ids": list(ids), "status": status}
    return sorted(connection.execute(_text("close_rejects"), values).scalars())


def _named(engine: sa.Engine, ids: Sequence[int]) -> dict[int, Any]:
    with transaction(engine) as connection:
        found = connection.execute(_text("rejects_named"), {"ids": list(ids)})
        return {row.reject_id: row for row in found}


def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
