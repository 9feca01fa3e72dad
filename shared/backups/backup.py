"""Backups from first to last: taken and read back, checked again, and let go."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import logs
from shared.avro import schemas
from shared.backups import manifest as manifests
from shared.backups import retention
from shared.backups.catalog import Catalog
from shared.backups.errors import UnusableBackup
from shared.backups.manifest import Manifest
from shared.backups.snapshot import snapshot
from shared.backups.verify import verify
from shared.backups.write import Written, write
from shared.lazy import sqlalchemy as sa
from shared.settings import Settings
from shared.tables.table import Table

# No backup takes longer; what lies without a manifest after that was cut off.
_LEFTOVER_AGE = timedelta(days=1)


class Backups:
    """Takes backups, with what it needs to do so handed in.

    Args:
        settings: bucket, codec and how long to keep.
        engine: the database.
        client: Cloud Storage.
    """

    def __init__(self, settings: Settings, engine: sa.Engine, client: Any) -> None:
        settings.require("backups_bucket")
        self.settings, self.engine = settings, engine
        self.catalog = Catalog(client, settings.backups_bucket)

    def take(
        self, tables: Sequence[Table], sender: str, *, scheduled: bool = False
    ) -> list[Manifest]:
        """Back up tables, all of them as they are at one moment.

        Each is read back before its manifest is written; a table whose manifest was written is
        backed up, whatever becomes of the others.

        Raises:
            UnusableBackup: what was read back is not what was written; it was deleted.
            SnapshotDiffers: not all rows were read.
            DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
        """
        backup_id = secrets.token_hex(6)
        written: list[tuple[Table, str, Written]] = []
        patience = self.settings.lock_timeout_seconds
        started = time.monotonic()
        with snapshot(self.engine, tables, patience) as moment:
            for table in tables:
                name = manifests.object_name(table.name, moment.taken_at, backup_id)
                written.append((table, name, self._write(moment, table, name)))
        found = []
        for table, name, seen in written:
            self._read_back(name, seen)
            manifest = Manifest(
                id=backup_id,
                table=table.name,
                object=name,
                **asdict(seen),
                codec=self.settings.backup_codec,
                schema=schemas.of_table(table).declared,
                snapshot_at=moment.taken_at,
                created_at=datetime.now(UTC),
                sender=sender,
                scheduled=scheduled,
                verified_at=datetime.now(UTC),
            )
            self.catalog.keep(manifest)
            found.append(manifest)
        _log(found, time.monotonic() - started)
        return found

    def check(self, manifest: Manifest) -> Manifest:
        """Read a backup again and note what was found; its `damage` says what is wrong.

        Raises:
            StorageUnavailable: try again later.
        """
        damage = None
        try:
            verify(self.catalog.client, self.catalog.stored(manifest.object), manifest)
        except UnusableBackup as error:
            damage = str(error)
            logs.line(
                "ERROR",
                "A backup is damaged",
                labels={"alert": "backup-damaged"},
                table=manifest.table,
                backup=manifest.id,
                error=damage,
            )
        checked = manifest.checked(damage, datetime.now(UTC))
        self.catalog.keep(checked)
        return checked

    def let_go(self, tables: Sequence[Table], now: datetime) -> list[Manifest]:
        """Delete the backups of these tables that need not be kept, and what cut-off ones left.

        Raises:
            StorageUnavailable: try again later.
        """
        gone: list[Manifest] = []
        for table in tables:
            gone += retention.expired(
                list(self.catalog.newest_first(table.name)),
                now,
                self.settings.backup_keep_days,
                self.settings.backup_keep_last,
            )
            for name in self.catalog.leftovers(table.name, now - _LEFTOVER_AGE):
                self.catalog.delete_object(name)
        for manifest in gone:
            self.catalog.delete(manifest)
            logs.line("INFO", "A backup was let go", table=manifest.table, backup=manifest.id)
        return gone

    def _write(self, moment: Any, table: Table, name: str) -> Written:
        catalog, codec = self.catalog, self.settings.backup_codec
        return write(moment, table, catalog.client, catalog.bucket, name, codec)

    def _read_back(self, name: str, seen: Written) -> None:
        try:
            verify(self.catalog.client, self.catalog.stored(name), seen)
        except UnusableBackup:
            self.catalog.delete_object(name)
            raise


def _log(found: Sequence[Manifest], seconds: float) -> None:
    for manifest in found:
        logs.line(
            "INFO",
            "A table was backed up",
            table=manifest.table,
            backup=manifest.id,
            rows=manifest.rows,
            size_bytes=manifest.size_bytes,
            seconds=round(seconds, 3),
        )
