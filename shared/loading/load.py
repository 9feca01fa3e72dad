"""The one write path: files, batches and replays are all loaded here, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from shared import logs, tables
from shared.database.copy import copy_in
from shared.database.engine import transaction
from shared.errors import DatabaseBusy
from shared.lazy import sqlalchemy as sa
from shared.loading import fast_paths, ledger, rejects, unique
from shared.loading.fast_paths import Precheck
from shared.loading.ledger import Counts, Entry, Source
from shared.loading.merge_sql import copy_staged, merge_sql
from shared.pipeline import prefetch
from shared.tables.table import Table
from shared.validation.rows import Block

Blocks = Callable[..., Iterable[Block]]
"""Yields the validated rows from the start; with `numbered=False`, without their positions."""

_MERGE_ROUNDS = 10


def load(
    engine: sa.Engine,
    source: Source,
    blocks: Blocks,
    *,
    lock_timeout_seconds: int = 60,
) -> Entry:
    """Load a source's rows into its table, once.

    If the source was loaded or failed before, its entry in the ledger is returned.

    Args:
        engine: the database.
        source: the source of the rows; names a table of the dictionary.
        blocks: called inside the transaction for the validated rows; called again for a large file
            that turns out not to fit a bulk load.
        lock_timeout_seconds: how long to wait for a lock.

    Raises:
        UnreadableFile: from `blocks`; nothing was written.
        DatabaseUnavailable, DatabaseBusy: nothing was written; try again later.
    """
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        outcome = load_within(connection, source, blocks)
    outcome.log(source)
    return outcome.entry


@dataclass(frozen=True)
class LoadOutcome:
    """A load's entry in the ledger, and how many rows it rejected for each reason."""

    entry: Entry
    reasons: Counter[str]

    def log(self, source: Source) -> None:
        """Log the load, once it is committed."""
        logs.line(
            "INFO",
            "A load is stored" if self.entry.first_time else "A load was stored before",
            load_id=self.entry.load_id,
            kind=source.kind,
            table=self.entry.table_name,
            counts=self.entry.counts.by_name(),
            reasons=dict(self.reasons),
        )


def load_within(connection: sa.Connection, source: Source, blocks: Blocks) -> LoadOutcome:
    """Load a source's rows as `load` does, in a transaction of the caller's.

    Raises:
        UnreadableFile: from `blocks`.
        DatabaseBusy: try again later.
    """
    table = tables.find(source.table_name or "")
    if not table.key:
        ledger.wait_for_same_content(connection, source)
    claimed = ledger.claim(connection, source)
    if claimed is None:
        recorded = ledger.recorded(connection, source.identity)
        if recorded is None:
            raise DatabaseBusy(f"The ledger entry of {source.identity!r} disappeared; try again.")
        return LoadOutcome(recorded, Counter())
    repeats, accepted_at = claimed
    source = replace(source, accepted_at=accepted_at)
    if not table.key and repeats and _is_stored(connection, table, source):
        counts, reasons = _recount(connection, source, blocks())
    else:
        counts, reasons = _write(connection, table, source, blocks)
    ledger.complete(connection, source.load_id, counts)
    entry = Entry(source.load_id, table.name, "done", counts, accepted_at, None, repeats, True)
    return LoadOutcome(entry, reasons)


@dataclass(frozen=True)
class Merge:
    """The load that staged rows belong to, its sender and when the rows were accepted."""

    load_id: UUID
    accepted_at: datetime
    sender: str | None


def begin(connection: sa.Connection, table: Table, merge: Merge) -> None:
    """Prepare a transaction for staging rows of `table`.

    Restores of the table wait until the transaction ends; other loads continue.
    """
    connection.execute(
        _begin(table),
        {
            "load_id": str(merge.load_id),
            "accepted_at": merge.accepted_at.isoformat(),
            "sender": merge.sender or "",
        },
    )
    _run(connection, table, "create")


def merge_staged(
    connection: sa.Connection, table: Table, staged: int, precheck: Precheck | None = None
) -> Counts:
    """Merge the `staged` rows into `table`, newest accepted version first.

    Rows whose parent is missing are parked as waiting, and rows that break a unique constraint
    are rejected. To an append-only table, all others are added. Call `begin` first in the
    transaction.

    Args:
        connection: inside the transaction.
        table: the table to merge into.
        staged: how many rows are staged.
        precheck: the precheck of these rows in this transaction, or None.

    Raises:
        DatabaseBusy: other loads kept inserting the same keys.
    """
    unique.lock(connection, table)
    found = precheck or Precheck(*_run(connection, table, "probe").one())
    counts = Counts()
    if found.repeated:
        counts += _drop_repeated(connection, table)
    if found.orphans:
        counts += Counts(waiting=_park(connection, table))
    # A parent that has come since is not locked.
    with fast_paths.checks_skipped(connection, skip=found.may_skip_checks and not found.orphans):
        return counts + _merge(connection, table, staged - counts.read, known=bool(found.known))


def lock_out_restores(connection: sa.Connection, table: Table) -> None:
    """Make restores of the table wait until the transaction ends; other loads continue."""
    _run(connection, table, "lock_out_restores")


def _merge(connection: sa.Connection, table: Table, staged: int, *, known: bool) -> Counts:
    """Store the staged rows, whose parents are stored; `known` if any of their keys may be."""
    counts = Counts()
    if not table.key:
        counts += Counts(rejected=unique.refuse(connection, table))
        return counts + Counts(inserted=_run(connection, table, "append").rowcount)
    for _ in range(_MERGE_ROUNDS):
        found = known and _run(connection, table, "find_known").rowcount
        counts += Counts(rejected=unique.refuse(connection, table))
        if found:
            counts += _merge_known(connection, table)
        if counts.read < staged:
            counts += Counts(inserted=_run(connection, table, "insert_new").rowcount)
        if counts.read == staged:
            return counts
        # Another load has inserted one of the keys since the lookup.
        known = True
    raise DatabaseBusy(f"Other loads keep inserting the same keys of {table.name}; try again.")


def _write(
    connection: sa.Connection, table: Table, source: Source, blocks: Blocks
) -> tuple[Counts, Counter[str]]:
    if not source.size_bytes:
        return _write_in_memory(connection, table, source, blocks())
    # Lock first, so that a restore that holds the table never sees this load half staged.
    begin(connection, table, _merge_of(source))
    if fast_paths.can_bulk_load(connection, table, source.size_bytes):
        reasons: Counter[str] = Counter()
        with prefetch(_ready(source, blocks(numbered=False))) as found:
            pieces = _pieces(connection, found, reasons)
            copied = fast_paths.bulk_load(
                connection, table, source.load_id, source.accepted_at, pieces
            )
        if copied is not None:
            return Counts(inserted=copied, rejected=reasons.total()), reasons
    with prefetch(_ready(source, blocks())) as found:
        return _stage_and_merge(connection, table, found)


def _is_stored(connection: sa.Connection, table: Table, source: Source) -> bool:
    """Return whether an append-only table has rows of the same bytes, or some that wait."""
    lock_out_restores(connection, table)
    values = {"content": source.content, "load_id": str(source.load_id)}
    return bool(connection.scalar(sa.text(merge_sql(table, "has_same_content")), values))


def _recount(
    connection: sa.Connection, source: Source, blocks: Iterable[Block]
) -> tuple[Counts, Counter[str]]:
    """Count the rows of a file that was loaded before, and keep its rejects."""
    reasons: Counter[str] = Counter()
    good = 0
    for block in _ready(source, blocks):
        _keep_rejects(connection, block, reasons)
        good += block.good
    return Counts(unchanged=good, rejected=reasons.total()), reasons


def _write_in_memory(
    connection: sa.Connection, table: Table, source: Source, blocks: Iterable[Block]
) -> tuple[Counts, Counter[str]]:
    found = list(blocks)
    rows = found[0].rows if len(found) == 1 else None
    precheck = None
    if rows is not None and fast_paths.can_precheck(table):
        lock_out_restores(connection, table)
        unique.lock(connection, table)
        precheck = fast_paths.precheck(connection, table, rows)
        if precheck.all_new:
            copied = fast_paths.copy_new(
                connection, table, source, rows, skip_checks=precheck.may_skip_checks
            )
            if copied is not None:
                reasons: Counter[str] = Counter()
                for block in _ready(source, found):
                    _keep_rejects(connection, block, reasons)
                return Counts(inserted=copied, rejected=reasons.total()), reasons
            # Another load has inserted one of the keys since; the merge finds it in a second round.
    begin(connection, table, _merge_of(source))
    return _stage_and_merge(connection, table, _ready(source, found), precheck)


def _stage_and_merge(
    connection: sa.Connection,
    table: Table,
    blocks: Iterable[_Ready],
    precheck: Precheck | None = None,
) -> tuple[Counts, Counter[str]]:
    reasons: Counter[str] = Counter()
    staged = 0
    for columns, text in _pieces(connection, blocks, reasons):
        staged += copy_in(connection, copy_staged(table, columns), (text,))
    counts = Counts(rejected=reasons.total())
    if staged:
        counts += merge_staged(connection, table, staged, precheck)
    return counts, reasons


def _pieces(
    connection: sa.Connection, blocks: Iterable[_Ready], reasons: Counter[str]
) -> Iterator[fast_paths.Piece]:
    """Yield the valid rows of each block, and store its rejects on the way."""
    for block in blocks:
        _keep_rejects(connection, block, reasons)
        if block.rows:
            yield block.columns, block.rows


def _keep_rejects(connection: sa.Connection, block: _Ready, reasons: Counter[str]) -> None:
    if block.rejects:
        rejects.keep(connection, block.rejects)
        reasons.update(block.reasons)


@dataclass(frozen=True)
class _Ready:
    """A block as the database takes it.

    Attributes:
        columns: the fields in the order in which `rows` has them.
        rows: its good rows as COPY text.
        good: how many they are.
        rejects: its rejects as COPY text.
        reasons: how many rejects have each reason.
    """

    columns: tuple[str, ...]
    rows: bytes
    good: int
    rejects: bytes
    reasons: Counter[str]


def _ready(source: Source, blocks: Iterable[Block]) -> Iterator[_Ready]:
    """Write blocks as the database takes them: in the thread that prefetches, if there is one."""
    for block in blocks:
        yield _Ready(
            block.columns,
            block.copied(),
            block.read - len(block.rejects),
            rejects.copied(source.load_id, source.sender, source.table_name or "", block.rejects),
            Counter(reject.reason for reject in block.rejects),
        )


def _merge_of(source: Source) -> Merge:
    return Merge(source.load_id, source.accepted_at, source.sender)


def _drop_repeated(connection: sa.Connection, table: Table) -> Counts:
    if table.on_conflict == "update":
        return Counts(superseded=_run(connection, table, "keep_last").scalar_one())
    unchanged, rejected = _run(connection, table, "keep_first").one()
    return Counts(unchanged=unchanged, rejected=rejected)


def _park(connection: sa.Connection, table: Table) -> int:
    refers_to_itself = any(reference.table == table.name for reference in table.references)
    parked = 0
    while moved := _run(connection, table, "park").rowcount:
        parked += moved
        if not refers_to_itself:
            break
    return parked


def _merge_known(connection: sa.Connection, table: Table) -> Counts:
    if table.on_conflict == "reject":
        unchanged, rejected = _run(connection, table, "refuse_known").one()
        return Counts(unchanged=unchanged, rejected=rejected)
    unchanged, superseded, updated = _run(connection, table, "merge_known").one()
    return Counts(unchanged=unchanged, superseded=superseded, updated=updated)


def _run(connection: sa.Connection, table: Table, name: str) -> sa.CursorResult[*tuple[Any, ...]]:
    return connection.exec_driver_sql(merge_sql(table, name))


@cache
def _begin(table: Table) -> sa.TextClause:
    return sa.text(merge_sql(table, "begin"))
