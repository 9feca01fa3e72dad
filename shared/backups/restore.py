"""A backup back into its table, in one transaction or not at all.

The rows are staged and checked before any lock is taken; then the table is held against them, and
only what differs is changed. Loads of the table wait from the comparison to the commit; readers
see the table as it was or as it is afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from shared import logs, tables
from shared.backups.errors import Orphans, UnusableBackup
from shared.backups.import_rows import Own
from shared.backups.loosening import loosened
from shared.backups.manifest import Manifest
from shared.backups.order import Key, Order, Restored, RowsChanged
from shared.backups.restore_sql import SHOWN, Statements
from shared.backups.stage import stage
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.lazy import sqlalchemy as sa
from shared.storage import StoredObject
from shared.tables.table import Table

_SQL = Path(__file__).with_name("sql")
_KINDS = ("inserted", "updated", "deleted", "unchanged")


def restore(engine: sa.Engine, client: Any, order: Order, lock_timeout_seconds: int) -> Restored:
    """Restore a table.

    Raises:
        UnusableBackup: the object cannot be restored; says why.
        Orphans: rows would be left without their parent.
        DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
    """
    if order.manifest is not None:
        _check_unread(order.stored, order.manifest)
    with transaction(engine, lock_timeout_seconds=lock_timeout_seconds) as connection:
        restored = _Restore(connection, client, order).run()
    logs.line(
        "INFO",
        "A restore was tried" if order.dry_run else "A table was restored",
        load_id=restored.load_id,
        table=order.table.name,
        source=order.stored.identity,
        mode=order.mode,
        counts={kind: change.count for kind, change in restored.changes.items()},
    )
    return restored


def _check_unread(stored: StoredObject, manifest: Manifest) -> None:
    # Cloud Storage has these itself: most damage is known before a byte is read.
    if (stored.crc32c, stored.size_bytes) != (manifest.crc32c, manifest.size_bytes):
        raise UnusableBackup(
            "damaged",
            f"The object of the backup has CRC32C {stored.crc32c!r} and {stored.size_bytes} bytes, "
            f"and had {manifest.crc32c!r} and {manifest.size_bytes}; it is damaged. Use another.",
            differs=["crc32c", "size_bytes"],
        )


class _Restore:
    def __init__(self, connection: sa.Connection, client: Any, order: Order) -> None:
        self._connection, self._client, self._order = connection, client, order
        self._table = order.table
        self._sql = Statements(order.table, order.mode)
        self._own = Own(datetime.now(UTC), uuid4())

    def run(self) -> Restored:
        # A dry run keeps nobody out, and sees one moment instead.
        if self._order.dry_run:
            self._execute("set transaction isolation level repeatable read")
        rows, keeps_own = stage(self._connection, self._client, self._order, self._own, self._sql)
        self._check_keys()
        if not self._order.dry_run:
            self._shut_out_others()
        self._check_references()
        self._execute(self._sql.compare)
        self._check_children()
        changes = self._changes(rows)
        if not self._order.dry_run:
            self._apply(changes, keeps_own=keeps_own)
            self._record(rows, changes)
        load_id = None if self._order.dry_run else self._own.load_id
        return Restored(load_id, rows, self._own.accepted_at, changes)

    def _check_keys(self) -> None:
        count, keys = self._first(self._sql.doubled, self._table)
        if count:
            raise UnusableBackup(
                "doubled_keys",
                f"{count} keys come more than once in the file; leave one row of each.",
                count=count,
                examples=keys,
            )

    def _shut_out_others(self) -> None:
        # The lock that loads share, and then the table's own, for those that do not know of it.
        self._execute(self._sql.lock_out_loads)
        self._execute(self._sql.lock)

    def _check_references(self) -> None:
        found = []
        for reference in self._table.references:
            count, keys = self._first(self._sql.without_parent(reference), self._table)
            if count:
                found.append(_broken(self._table, reference.field, reference.table, count, keys))
        if found:
            raise Orphans(
                f"{_told(found)} The backup's rows need parents that are not there; restore "
                f"{_names(found, 'parent')} first.",
                found,
            )

    def _check_children(self) -> None:
        found = []
        for child in tables.children(self._table):
            if child.name == self._table.name:
                # Looked at with its own references, before and after being the same table.
                continue
            for reference in child.references:
                if reference.table == self._table.name:
                    count, keys = self._first(self._sql.left_behind(child, reference), child)
                    if count:
                        broken = _broken(child, reference.field, reference.table, count, keys)
                        found.append(broken)
        if found:
            raise Orphans(
                f"{_told(found)} The restore would delete rows that these refer to; restore with "
                f"mode merge, or restore {_names(found, 'table')} first.",
                found,
            )

    def _changes(self, rows: int) -> dict[str, RowsChanged]:
        counts = dict(self._rows(self._sql.counts))
        examples: dict[str, list[Key]] = {kind: [] for kind in _KINDS}
        for kind, *values in self._rows(self._sql.examples):
            examples[kind].append(dict(zip(self._table.key, values, strict=True)))
        for same in self._rows(self._sql.unchanged):
            examples["unchanged"].append(dict(zip(self._table.key, same, strict=True)))
        counts["unchanged"] = rows - counts.get("inserted", 0) - counts.get("updated", 0)
        return {kind: RowsChanged(counts.get(kind, 0), examples[kind]) for kind in _KINDS}

    def _apply(self, changes: Mapping[str, RowsChanged], *, keeps_own: bool) -> None:
        counts = {kind: change.count for kind, change in changes.items()}
        load_id = {"load_id": str(self._own.load_id)}
        with loosened(self._connection, self._table, counts):
            self._connection.execute(sa.text(self._sql.keep_replaced), load_id)
            # Rows that refer to rows of the same table always find them in this order.
            update = self._sql.update(keeps_own=keeps_own)
            for sql in (self._sql.insert, update, self._sql.delete):
                self._execute(sql)

    def _record(self, rows: int, changes: Mapping[str, RowsChanged]) -> None:
        values = {
            "load_id": str(self._own.load_id),
            "source": f"restore {self._own.load_id} of {self._order.stored.identity}",
            "sender": self._order.sender or None,
            "content": self._order.stored.content,
            "table_name": self._table.name,
            "rows": rows,
            "accepted_at": self._own.accepted_at,
            **{kind: change.count for kind, change in changes.items()},
        }
        self._connection.execute(sa.text(statement(_SQL, "record")), values)

    def _first(self, sql: str, table: Table) -> tuple[int, list[Key]]:
        """How many there are, and the first keys."""
        found = self._rows(sql)
        keys: list[Key] = [dict(zip(table.key, row, strict=False)) for row in found]
        return (int(found[0][-1]) if found else 0), keys

    def _rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        return [tuple(row) for row in self._connection.exec_driver_sql(sql)]

    def _execute(self, sql: str) -> None:
        self._connection.exec_driver_sql(sql)


def _broken(
    table: Table, name: str, parent: str, count: int, keys: Sequence[Key]
) -> dict[str, Any]:
    return {
        "table": table.name,
        "field": name,
        "parent": parent,
        "count": count,
        "examples": list(keys[:SHOWN]),
    }


def _told(found: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(
        f"{one['count']} rows of {one['table']} would lack their parent in {one['parent']}."
        for one in found
    )


def _names(found: Sequence[Mapping[str, Any]], which: str) -> str:
    return " and ".join(dict.fromkeys(str(one[which]) for one in found))
