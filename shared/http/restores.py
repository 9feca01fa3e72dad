"""A restore from what is asked for to what follows its commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.api.restore_table import Restore
from shared.backups.catalog import Catalog
from shared.backups.errors import UnknownBackup
from shared.backups.order import Order
from shared.http.problems import Problem
from shared.http.routes import Call
from shared.lazy import sqlalchemy as sa
from shared.loading import waiting
from shared.loading.ledger import Entry, LoadCounts
from shared.messages import publish_change
from shared.settings import Settings
from shared.storage import ObjectStore
from shared.tables.table import Table
from shared.warehouse.star import projections

if TYPE_CHECKING:
    # Heavy, and a function's start must not wait for it.

    from shared.backups.manifest import Manifest
    from shared.backups.order import Order, Restored

_SCHEME = "gs://"
_MOST_NAME_BYTES = 1024


def order(call: Call, client: Any, settings: Settings, table: Table, asked: Restore) -> Order:
    """What is to be restored.

    Raises:
        Problem: 400, neither a backup nor an object of the backups bucket is named, or both.
        UnknownBackup: there is none such.
    """
    settings.require("backups_bucket")
    catalog = Catalog(client, settings.backups_bucket)
    if (asked.backup is None) == (asked.uri is None):
        raise Problem(
            400, "invalid-body", "Name a backup or a uri, and not both; see /openapi.json."
        )
    manifest: Manifest | None
    if asked.backup is not None:
        manifest = catalog.find(table.name, asked.backup)
        stored = catalog.stored(manifest.object)
    else:
        name = _object_name(asked.uri or "", settings.backups_bucket)
        found = ObjectStore(client).find(settings.backups_bucket, name)
        if found is None:
            raise UnknownBackup(f"There is no object {asked.uri!r}; upload it, or name another.")
        stored, beside = found, catalog.beside(name)
        # Another table's backup is to this one a file made elsewhere.
        manifest = beside if beside is not None and beside.table == table.name else None
    return Order(
        table,
        stored,
        manifest,
        asked.mode,
        asked.dry_run,
        call.sender,
        _aliases(table) if manifest is None else {},
        settings.max_block_bytes,
    )


def follow_up(
    engine: sa.Engine,
    publisher: Callable[[], Any],
    settings: Settings,
    table: Table,
    done: Restored,
) -> None:
    """After the commit: tell the warehouse, and load the rows that waited for what was restored.

    Cut off in between, the sweep tells the warehouse, and loads the waiting rows.

    Raises:
        TransientError: call again.
    """
    if done.load_id is None:
        return
    publish_change(publisher(), settings, table.name, done.load_id, "restore")
    entry = Entry(done.load_id, table.name, "done", LoadCounts(), done.accepted_at)
    released = waiting.release_after(
        engine, entry, lock_timeout_seconds=settings.lock_timeout_seconds
    )
    for table_name, load_id in released:
        publish_change(publisher(), settings, table_name, load_id, "load")


def _object_name(uri: str, bucket: str) -> str:
    start = f"{_SCHEME}{bucket}/"
    name = uri.removeprefix(start)
    usable = 1 <= len(name.encode()) <= _MOST_NAME_BYTES and name.isprintable()
    if not uri.startswith(start) or not usable or name in (".", ".."):
        raise Problem(
            400,
            "unusable-uri",
            f"A uri to restore from reads {start}OBJECT; copy the file to that bucket first.",
            pointer="/uri",
        )
    return name


def _aliases(table: Table) -> dict[str, str]:
    """What fields are called in BigQuery, whose export of the table may be restored."""
    return next(dict(p.place.renamed) for p in projections() if p.table.name == table.name)
