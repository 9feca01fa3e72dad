"""The one write path: every way in ends here, in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from uuid import UUID

import sqlalchemy as sa

from shared import logs, tables
from shared.database.copy import copy_in
from shared.database.engine import transaction
from shared.errors import DatabaseBusy
from shared.loading import bulk, fast_paths, ledger, rejects
from shared.loading.ahead import ahead
from shared.loading.fast_paths import Look
from shared.loading.ledger import Counts, Entry, Source
from shared.loading.merge_sql import Staging
from shared.tables.table import Table
from shared.validation.rows import Block

Blocks = Callable[..., Iterable[Block]]
"""Gives the judged rows from the start; with `numbered=False` staged without their positions."""

_ROUNDS = 10


def load(
    engine: sa.Engine,
    source: Source,
    blocks: Blocks,
    *,
    lock_timeout_seconds: int = 60,
) -> Entry:
    """Load a source's rows into its table, once.

    A source that was loaded before, or failed before, is answered with what the ledger has.

    Args:
        engine: the database.
        source: where the rows come from; names a table of the dictionary.
        blocks: called inside the transaction for the judged rows; a large file's a second time,
            where a first way of loading it was not open.
        lock_timeout_seconds: how long a lock is waited for.

    Raises:
        UnreadableFile: from `blocks`; nothing was written.
        DatabaseUnavailable, DatabaseBusy: nothing was written; try again later.
    """
    table = tables.find(source.table_name or "")
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        claimed = ledger.claim(connection, source)
        if claimed is not None:
            repeats, accepted_at = claimed
            source = replace(source, accepted_at=accepted_at)
            counts, reasons = _write(connection, table, source, blocks)
            ledger.complete(connection, source.load_id, counts)
            entry = Entry(
                source.load_id, table.name, "done", counts, accepted_at, None, repeats, True
            )
        else:
            recorded = ledger.recorded(connection, source.identity)
            if recorded is None:
                raise DatabaseBusy(f"The ledger entry of {source.identity!r} vanished; try again.")
            entry, reasons = recorded, Counter()
    _log(source, entry, reasons)
    return entry


@dataclass(frozen=True)
class Merge:
    """On whose behalf staged rows are merged, and from when they count."""

    load_id: UUID
    accepted_at: datetime
    sender: str | None


@cache
def staging(table: Table) -> Staging:
    """The statements of a table, composed once."""
    return Staging(table)


@cache
def _begin(table: Table) -> sa.TextClause:
    return sa.text(staging(table).begin)


def begin(connection: sa.Connection, table: Table, merge: Merge) -> Staging:
    """Make a transaction ready to stage rows of `table` on behalf of `merge`.

    Keeps restores of the table away until the transaction ends; other loads may go on.
    """
    sql = staging(table)
    connection.execute(
        _begin(table),
        {
            "load_id": str(merge.load_id),
            "accepted_at": merge.accepted_at.isoformat(),
            "sender": merge.sender or "",
        },
    )
    connection.exec_driver_sql(sql.create)
    return sql


def merge_staged(
    connection: sa.Connection, table: Table, staged: int, look: Look | None = None
) -> Counts:
    """Merge the `staged` rows into `table`, newest accepted version first.

    Rows whose parent is missing are parked as waiting. Runs inside a transaction that was begun.

    Args:
        connection: inside the transaction.
        table: where to.
        staged: how many rows are staged.
        look: what was found out about them in this transaction, or None.

    Raises:
        DatabaseBusy: other loads kept bringing the same keys.
    """
    sql = staging(table)
    doubled, orphans, known = (
        (look.doubled, look.orphans, look.known)
        if look
        else connection.exec_driver_sql(sql.probe).one()
    )
    counts = Counts()
    if doubled:
        counts += _single_out(connection, table)
    if orphans:
        counts += Counts(waiting=_park(connection, table))
    for _ in range(_ROUNDS):
        if known and connection.exec_driver_sql(sql.find_known).rowcount:
            counts += _merge_known(connection, table)
        if counts.read < staged:
            counts += Counts(inserted=connection.exec_driver_sql(sql.insert_new).rowcount)
        if counts.read == staged:
            return counts
        # Another load brought one of the keys since they were looked up.
        known = staged - counts.read
    raise DatabaseBusy(f"Other loads keep bringing the same keys of {table.name}; try again.")


def _write(
    connection: sa.Connection, table: Table, source: Source, blocks: Blocks
) -> tuple[Counts, Counter[str]]:
    if not source.size_bytes:
        return _write_in_memory(connection, table, source, blocks())
    # Asked for first: a restore that holds the table must not find this load's rows half staged.
    begin(connection, table, _merge_of(source))
    if bulk.fits(connection, table, source.size_bytes):
        reasons: Counter[str] = Counter()
        with ahead(blocks(numbered=False)) as found:
            pieces = _pieces(connection, table, source, found, reasons)
            copied = bulk.write(connection, table, source.load_id, source.accepted_at, pieces)
        if copied is not None:
            return Counts(inserted=copied, rejected=reasons.total()), reasons
    with ahead(blocks()) as found:
        return _stage_and_merge(connection, table, source, found)


def _write_in_memory(
    connection: sa.Connection, table: Table, source: Source, blocks: Iterable[Block]
) -> tuple[Counts, Counter[str]]:
    found = list(blocks)
    rows = found[0].rows if len(found) == 1 else None
    look = None
    if rows is not None and fast_paths.fits(table):
        connection.exec_driver_sql(staging(table).hold)
        look = fast_paths.look(connection, table, rows)
        if look.all_new:
            copied = fast_paths.write(connection, table, source, rows, checked=look.checked)
            if copied is not None:
                reasons: Counter[str] = Counter()
                _keep_rejects(connection, table, source, found[0], reasons)
                return Counts(inserted=copied, rejected=reasons.total()), reasons
            # What was seen is no longer so.
            look = None
    begin(connection, table, _merge_of(source))
    return _stage_and_merge(connection, table, source, found, look)


def _stage_and_merge(
    connection: sa.Connection,
    table: Table,
    source: Source,
    blocks: Iterable[Block],
    look: Look | None = None,
) -> tuple[Counts, Counter[str]]:
    reasons: Counter[str] = Counter()
    staged = 0
    for piece in _pieces(connection, table, source, blocks, reasons):
        staged += copy_in(connection, staging(table).copy, (piece,))
    counts = Counts(rejected=reasons.total())
    if staged:
        counts += merge_staged(connection, table, staged, look)
    return counts, reasons


def _pieces(
    connection: sa.Connection,
    table: Table,
    source: Source,
    blocks: Iterable[Block],
    reasons: Counter[str],
) -> Iterator[bytes]:
    """The good rows of each block as COPY text; its rejects are kept on the way."""
    for block in blocks:
        _keep_rejects(connection, table, source, block, reasons)
        if text := block.copied():
            yield text


def _keep_rejects(
    connection: sa.Connection, table: Table, source: Source, block: Block, reasons: Counter[str]
) -> None:
    if block.rejects:
        rejects.keep(connection, source.load_id, source.sender, table.name, block.rejects)
        reasons.update(reject.reason for reject in block.rejects)


def _merge_of(source: Source) -> Merge:
    return Merge(source.load_id, source.accepted_at, source.sender)


def _log(source: Source, entry: Entry, reasons: Counter[str]) -> None:
    logs.line(
        "INFO",
        "A load is stored" if entry.first_time else "A load was stored before",
        load_id=entry.load_id,
        kind=source.kind,
        table=entry.table_name,
        counts=asdict(entry.counts),
        reasons=dict(reasons),
    )


def _single_out(connection: sa.Connection, table: Table) -> Counts:
    sql = staging(table)
    if table.on_conflict == "update":
        return Counts(superseded=connection.exec_driver_sql(sql.keep_last).rowcount)
    unchanged, rejected = connection.exec_driver_sql(sql.keep_first).one()
    return Counts(unchanged=unchanged, rejected=rejected)


def _park(connection: sa.Connection, table: Table) -> int:
    sql = staging(table)
    refers_to_itself = any(r.table == table.name for r in table.references)
    parked = 0
    while moved := connection.exec_driver_sql(sql.park).rowcount:
        parked += moved
        if not refers_to_itself:
            break
    return parked


def _merge_known(connection: sa.Connection, table: Table) -> Counts:
    sql = staging(table)
    if table.on_conflict == "reject":
        unchanged, rejected = connection.exec_driver_sql(sql.refuse_known).one()
        return Counts(unchanged=unchanged, rejected=rejected)
    unchanged, superseded, updated = connection.exec_driver_sql(sql.merge_known).one()
    return Counts(unchanged=unchanged, superseded=superseded, updated=updated)
