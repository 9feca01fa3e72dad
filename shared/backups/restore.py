"""Restores backups into their tables, in one transaction or not at all.

The rows are staged and checked before any lock is taken. Then the table is compared with them, and
only what differs is changed. Loads of the table wait from the comparison to the commit; readers see
the table from before or after the restore, never in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from shared import logs, tables
from shared.avro import postgres, rows
from shared.avro.checksum import Checksum
from shared.avro.codecs import MAX_BLOCK_BYTES
from shared.avro.columns import Chunk
from shared.avro.schemas import FileSchema
from shared.backups.catalog import Manifest
from shared.backups.errors import Orphans, Unconfirmed, UnusableBackup, naming
from shared.backups.foreign_keys import without_foreign_keys
from shared.backups.import_rows import RestoreLoad, RowImport
from shared.backups.mapping import may_lack_values, resolve
from shared.backups.restore_sql import Mode, Statements
from shared.backups.verify import compare, content_of, opened
from shared.database.copy import copy_in
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.pipeline import prefetch
from shared.storage import StoredObject
from shared.tables import stored
from shared.tables.table import Reference, Table

Key = dict[str, Any]
_SQL = Path(__file__).with_name("sql")
_TOGETHER = "all tables together (POST /restore_table/all)"
_KINDS = ("inserted", "updated", "deleted", "unchanged")


@dataclass(frozen=True)
class RestoreRequest:
    """What to restore, and how.

    Attributes:
        table: the table to restore into.
        stored: the Avro object.
        manifest: the object's manifest, or None for a file made elsewhere.
        mode: `replace`: afterwards the table holds exactly the backup's rows; `merge`: rows that
            the backup does not have stay.
        dry_run: only report what would change.
        sender: who requests it.
        aliases: by a field's name, another name that it may have in a file made elsewhere.
        max_block_bytes: the largest block of the file to accept.
        has_microseconds: whether numbers without a logical type are microseconds since 1970, in a
            file made elsewhere.
        confirmed: how many rows the caller knows to be deleted; needed if they are most.
    """

    table: Table
    stored: StoredObject
    manifest: Manifest | None
    mode: Mode = "replace"
    dry_run: bool = False
    sender: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    max_block_bytes: int = MAX_BLOCK_BYTES
    has_microseconds: bool = False
    confirmed: int | None = None


class RowsChanged(msgspec.Struct, frozen=True):
    """Rows that change in one way."""

    count: Annotated[int, Meta(ge=0)]
    examples: Annotated[
        list[dict[str, Any]], Meta(description="The keys of the first ten of them.")
    ]


@dataclass(frozen=True)
class RestoreOutcome:
    """What a restore did, or would do.

    Attributes:
        load_id: its entry in the ledger; None after a dry run.
        rows: the number of rows in the backup.
        accepted_at: when it was requested.
        changes: `inserted`, `updated`, `deleted` and `unchanged` rows.
    """

    load_id: UUID | None
    rows: int
    accepted_at: datetime
    changes: Mapping[str, RowsChanged]


def restore(
    engine: sa.Engine, client: Any, request: RestoreRequest, lock_timeout_seconds: int
) -> RestoreOutcome:
    """Restore a table.

    Raises:
        UnusableBackup: the object cannot be restored; the text says why.
        Orphans: rows would be left without their parent.
        Unconfirmed: more than half of the rows would be deleted.
        DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
    """
    _check_object(request)
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        restored = _Restore(connection, client, request).run()
    _log(request, restored)
    return restored


def restore_set(
    engine: sa.Engine,
    client: Any,
    requests: Sequence[RestoreRequest],
    lock_timeout_seconds: int,
    confirmed: int | None = None,
) -> list[RestoreOutcome]:
    """Restore tables, all or none of them.

    None refuses another: children are checked against their restored parents. A dry run takes the
    same locks until it is undone.

    Args:
        engine: the database.
        client: Cloud Storage.
        requests: one for each table, parents before children, with the same `dry_run`.
        lock_timeout_seconds: how long to wait for a lock.
        confirmed: how many rows of all tables the caller knows to be deleted; needed if they are
            most rows of a table.

    Raises:
        UnusableBackup: an object cannot be restored; the text says why.
        Orphans: rows would be left without their parent, in the set or outside it.
        Unconfirmed: more than half of the rows of a table would be deleted.
        DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
    """
    for request in requests:
        _check_object(request)
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        restores = [_Restore(connection, client, request) for request in requests]
        found = _run_set(restores, confirmed)
        if any(request.dry_run for request in requests):
            connection.rollback()
    for request, restored in zip(requests, found, strict=True):
        _log(request, restored)
    return found


def _run_set(restores: Sequence[_Restore], confirmed: int | None) -> list[RestoreOutcome]:
    for one in restores:
        one.stage()
    for one in restores:
        one.lock_table()
    for one in restores:
        one.compare()
    deleted = sum(one.changes["deleted"].count for one in restores)
    for one in restores:
        one.check_confirmed(deleted, confirmed)
    for one in restores:
        one.check_unique()
        one.check_references()
        one.write()
    for one in reversed(restores):
        one.check_children()
        one.delete()
    for one in restores:
        one.record()
    return [one.outcome for one in restores]


def _log(request: RestoreRequest, restored: RestoreOutcome) -> None:
    logs.line(
        "INFO",
        "A restore was tried" if request.dry_run else "A table was restored",
        load_id=restored.load_id,
        table=request.table.name,
        source=request.stored.identity,
        mode=request.mode,
        counts={kind: change.count for kind, change in restored.changes.items()},
    )


def _check_object(request: RestoreRequest) -> None:
    stored, manifest = request.stored, request.manifest
    if manifest is None:
        return
    # Cloud Storage knows checksum and size, so most damage is found before a byte is read.
    with naming(stored.name):
        _compare_object(stored, manifest)


def _compare_object(stored: StoredObject, manifest: Manifest) -> None:
    if (stored.crc32c, stored.size_bytes) != (manifest.crc32c, manifest.size_bytes):
        raise UnusableBackup(
            "damaged",
            f"The object of the backup has CRC32C {stored.crc32c!r} and {stored.size_bytes} bytes; "
            f"expected {manifest.crc32c!r} and {manifest.size_bytes}. It is damaged; use another "
            "backup.",
            differs=["crc32c", "size_bytes"],
        )


class _Restore:
    def __init__(self, connection: sa.Connection, client: Any, request: RestoreRequest) -> None:
        self._connection, self._client, self._request = connection, client, request
        self._table = request.table
        self._sql = Statements(request.table, request.mode)
        self._load = RestoreLoad(datetime.now(UTC), uuid4())
        self._count = 0
        self._keeps_own = False
        self.changes: dict[str, RowsChanged] = {}

    def run(self) -> RestoreOutcome:
        """Restore this table alone."""
        # A dry run takes no locks, and reads a snapshot instead.
        if self._request.dry_run:
            self._execute("set transaction isolation level repeatable read")
        self.stage()
        if not self._request.dry_run:
            self.lock_table()
        self.check_unique()
        self.check_references()
        self.compare()
        self.check_children()
        if not self._request.dry_run:
            self.check_confirmed(self.changes["deleted"].count, self._request.confirmed)
            with self._without_foreign_keys():
                # In this order, rows that refer to rows of the same table always find them.
                self.write()
                self.delete()
            self.record()
        return self.outcome

    @property
    def outcome(self) -> RestoreOutcome:
        """What was, or would be, done."""
        load_id = None if self._request.dry_run else self._load.load_id
        return RestoreOutcome(load_id, self._count, self._load.accepted_at, self.changes)

    def stage(self) -> None:
        """Fill a temporary table with the backup's rows, and check their keys."""
        with naming(self._request.stored.name):
            self._count, self._keeps_own = self._staged()
        self._check_keys()

    def compare(self) -> None:
        """Find out what changes."""
        self._execute(self._sql.compare)
        self.changes = self._changes(self._count)

    def _staged(self) -> tuple[int, bool]:
        """Stage the rows; returns their number, and whether the file names their loads."""
        request, manifest = self._request, self._request.manifest
        with opened(self._client, request.stored, request.max_block_bytes) as reader:
            schema = FileSchema(reader.header.schema)
            columns = resolve(
                schema,
                self._table,
                request.aliases,
                has_microseconds=request.has_microseconds and manifest is None,
            )
            # A backup of before a field was required may have rows that the rules complete, or not.
            check_rules = manifest is None or may_lack_values(columns, self._table)
            importing = RowImport(self._table, columns, self._load, check_rules=check_rules)
            # A file made elsewhere has no checksum to compare with.
            checksum = None if manifest is None else Checksum(schema.by_field)
            self._execute(self._sql.create)
            count = 0

            def ready(chunk: Chunk) -> tuple[int, str, bytes]:
                if checksum is not None:
                    checksum.add(chunk)
                return chunk.rows, *self._copied(importing.typed(chunk))

            # The next rows are prepared while PostgreSQL copies these.
            with prefetch(map(ready, rows.chunks(schema, reader))) as prepared:
                for row_count, copy, piece in prepared:
                    count += row_count
                    if piece:
                        copy_in(self._connection, copy, (piece,))
        if manifest is not None and checksum is not None:
            compare(content_of(schema, checksum, reader.digest), manifest.content)
        importing.rejected.check()
        # Without statistics the planner assumes that the table is small.
        self._execute(f"analyze {self._sql.restored}")
        return count, importing.keeps_own

    def _copied(self, typed: Chunk) -> tuple[str, bytes]:
        """Return the COPY statement for some rows, and its input."""
        columns = stored.columns(self._table)
        if postgres.can_copy(typed, columns):
            return self._sql.copy_binary, postgres.to_copy(typed, columns) if typed.rows else b""
        return self._sql.copy, postgres.to_copy_text(typed, columns)

    def _check_keys(self) -> None:
        count, keys = self._first(self._sql.doubled, self._table)
        if count:
            raise UnusableBackup(
                "doubled_keys",
                f"{count} keys occur more than once in the file; leave one row of each.",
                count=count,
                examples=keys,
            )

    def lock_table(self) -> None:
        """Lock the table."""
        # First the lock that loads share, then the table's, for writers that do not take the first.
        self._execute(self._sql.lock_out_loads)
        self._execute(self._sql.lock)

    def check_references(self) -> None:
        """Refuse rows whose parents are not there."""
        found = []
        for reference in self._table.references:
            count, keys = self._first(self._sql.without_parent(reference), self._table)
            if count:
                found.append(_broken(self._table, reference, count, keys))
        if found:
            raise Orphans(
                f"{_orphans(found)} The backup's rows need parents that do not exist; restore "
                f"{_names(found, 'parent')} first, or {_TOGETHER}.",
                found,
            )

    def check_unique(self) -> None:
        """Refuse rows with the same values of unique fields as another row."""
        place = "the file" if self._request.mode == "replace" else "the file or the table"
        for fields in self._table.unique:
            count, keys = self._first(self._sql.not_unique(fields), self._table)
            if count:
                with naming(self._request.stored.name):
                    raise UnusableBackup(
                        "not_unique",
                        f"{count} rows of the file have the same {', '.join(fields)} as another "
                        f"row of {place}, which {self._table.name} does not allow; leave one row "
                        "of each.",
                        count=count,
                        examples=keys,
                    )

    def check_children(self) -> None:
        """Refuse to delete parents of rows that stay."""
        found = []
        for child in tables.children(self._table):
            if child.name == self._table.name:
                # A reference to the table itself was checked with the references.
                continue
            for reference in child.references:
                if reference.table == self._table.name:
                    count, keys = self._first(self._sql.left_behind(child, reference), child)
                    if count:
                        broken = _broken(child, reference, count, keys)
                        found.append(broken)
        if found:
            raise Orphans(
                f"{_orphans(found)} The restore would delete rows that these refer to; restore "
                f"with mode merge, restore {_names(found, 'table')} first, or {_TOGETHER}.",
                found,
            )

    def _changes(self, count: int) -> dict[str, RowsChanged]:
        counts = dict(self._rows(self._sql.counts))
        examples: dict[str, list[Key]] = {kind: [] for kind in _KINDS}
        for kind, *values in self._rows(self._sql.examples):
            examples[kind].append(dict(zip(stored.key(self._table), values, strict=True)))
        for same in self._rows(self._sql.unchanged):
            examples["unchanged"].append(dict(zip(stored.key(self._table), same, strict=True)))
        counts["unchanged"] = count - counts.get("inserted", 0) - counts.get("updated", 0)
        return {kind: RowsChanged(counts.get(kind, 0), examples[kind]) for kind in _KINDS}

    def check_confirmed(self, in_all: int, confirmed: int | None) -> None:
        """Refuse to delete most rows, unless the number that is deleted in all is confirmed."""
        deleted = self.changes["deleted"].count
        there = deleted + self.changes["updated"].count + self.changes["unchanged"].count
        if 2 * deleted > there and confirmed != in_all:
            raise Unconfirmed(
                f"It would delete {deleted} of {there} rows of {self._table.name}. If that is "
                f'meant, send the same call with "confirm": {in_all}.',
                in_all,
                self.changes["deleted"].examples,
            )

    def _without_foreign_keys(self) -> AbstractContextManager[None]:
        counts = {kind: change.count for kind, change in self.changes.items()}
        return without_foreign_keys(self._connection, self._table, counts)

    def write(self) -> None:
        """Keep what is replaced, insert the rows that the table lacks, and update others."""
        if self._table.unique:
            # Until the commit, a row may take values of one that is updated or deleted later.
            self._execute("set constraints all deferred")
        load_id = {"load_id": str(self._load.load_id)}
        keep = self._sql.keep_versions(keeps_own=self._keeps_own)
        self._connection.execute(sa.text(keep), load_id)
        self._execute(self._sql.insert)
        self._execute(self._sql.update(keeps_own=self._keeps_own))

    def delete(self) -> None:
        """Delete the rows that the backup does not have."""
        self._execute(self._sql.delete)

    def record(self) -> None:
        """Enter the restore in the ledger."""
        values = {
            "load_id": str(self._load.load_id),
            "source": f"restore {self._load.load_id} of {self._request.stored.identity}",
            "sender": self._request.sender or None,
            "content": self._request.stored.content,
            "table_name": self._table.name,
            "rows": self._count,
            "accepted_at": self._load.accepted_at,
            **{kind: change.count for kind, change in self.changes.items()},
        }
        self._connection.execute(sa.text(statement(_SQL, "record")), values)

    def _first(self, sql: str, table: Table) -> tuple[int, list[Key]]:
        """Return the number of rows that a statement counts, and the first keys."""
        found = self._rows(sql)
        keys: list[Key] = [dict(zip(stored.key(table), row, strict=False)) for row in found]
        return (int(found[0][-1]) if found else 0), keys

    def _rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        return [tuple(row) for row in self._connection.exec_driver_sql(sql)]

    def _execute(self, sql: str) -> None:
        self._connection.exec_driver_sql(sql)


def _broken(table: Table, reference: Reference, count: int, keys: Sequence[Key]) -> dict[str, Any]:
    return {
        "table": table.name,
        "field": ", ".join(reference.fields),
        "parent": reference.table,
        "count": count,
        "examples": list(keys),
    }


def _orphans(found: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(
        f"{one['count']} rows of {one['table']} would lack their parent in {one['parent']}."
        for one in found
    )


def _names(found: Sequence[Mapping[str, Any]], which: str) -> str:
    return " and ".join(dict.fromkeys(str(one[which]) for one in found))
