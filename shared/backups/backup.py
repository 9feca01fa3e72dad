"""Makes backups, verifies them again, and deletes expired ones."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import logs, storage
from shared.avro import codecs, container, schemas
from shared.avro.checksum import Checksum
from shared.avro.writer import Writer, writing
from shared.backups.catalog import Catalog, Content, Manifest, expired, object_name
from shared.backups.errors import UnusableBackup
from shared.backups.snapshot import Snapshot, snapshot
from shared.backups.verify import FINGERPRINT, SNAPSHOT_AT, content_of, verify
from shared.lazy import sqlalchemy as sa
from shared.settings import Settings
from shared.tables.table import Table

CONTENT_TYPE = "avro/binary"
_UPLOAD_BYTES = 2 << 20
# No backup takes longer. After this, an object without a manifest is from an interrupted backup.
_LEFTOVER_AGE = timedelta(days=1)


class Backups:
    """Makes, verifies and expires backups of tables.

    Args:
        settings: bucket, codec and how long to keep backups.
        engine: the database.
        client: Cloud Storage.
    """

    def __init__(self, settings: Settings, engine: sa.Engine, client: Any) -> None:
        settings.require("backups_bucket")
        self.settings, self.engine = settings, engine
        self.catalog = Catalog(client, settings.backups_bucket)

    def back_up(
        self, tables: Sequence[Table], sender: str, *, scheduled: bool = False
    ) -> list[Manifest]:
        """Back up tables as of the same moment.

        Each object is read back before its manifest is written. Once a table's manifest is written,
        it is backed up, whatever happens to the others.

        Raises:
            UnusableBackup: an object differs from what was written; it was deleted.
            SnapshotDiffers: some rows could not be read.
            DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
        """
        backup_id = secrets.token_hex(6)
        written: list[tuple[Table, str, Content]] = []
        started = time.monotonic()
        with snapshot(self.engine, tables, self.settings.lock_timeout_seconds) as moment:
            for table in tables:
                name = object_name(table.name, moment.taken_at, backup_id)
                written.append((table, name, self._write(moment, table, name)))
        found = []
        for table, name, content in written:
            self._read_back(name, content)
            manifest = Manifest(
                id=backup_id,
                table=table.name,
                object=name,
                rows=content.rows,
                size_bytes=content.size_bytes,
                crc32c=content.crc32c,
                checksum=content.checksum,
                fingerprint=content.fingerprint,
                codec=self.settings.backup_codec,
                schema=schemas.of_table(table).declared,
                snapshot_at=moment.taken_at,
                created_at=datetime.now(UTC),
                sender=sender,
                scheduled=scheduled,
                verified_at=datetime.now(UTC),
            )
            self.catalog.write_manifest(manifest)
            found.append(manifest)
        _log(found, time.monotonic() - started)
        return found

    def verify(self, manifest: Manifest) -> Manifest:
        """Read a backup again and record in its manifest whether it is damaged.

        Raises:
            StorageUnavailable: try again later.
        """
        damage = None
        try:
            verify(self.catalog.client, self.catalog.stored(manifest.object), manifest.content)
        except UnusableBackup as error:
            damage = str(error)
        return self.record(manifest, damage)

    def record(self, manifest: Manifest, damage: str | None) -> Manifest:
        """Record in a backup's manifest what reading it has found: damage, which alerts, or none.

        Raises:
            StorageUnavailable: try again later.
        """
        if damage is not None:
            logs.line(
                "ERROR",
                "A backup is damaged",
                labels={"alert": "backup-damaged"},
                table=manifest.table,
                backup=manifest.id,
                error=damage,
            )
        checked = manifest.checked(damage, datetime.now(UTC))
        self.catalog.write_manifest(checked)
        return checked

    def expire(self, tables: Sequence[Table], now: datetime) -> list[Manifest]:
        """Delete the expired backups of these tables, and report objects without a manifest.

        Raises:
            StorageUnavailable: try again later.
        """
        gone: list[Manifest] = []
        for table in tables:
            gone += expired(
                list(self.catalog.newest_first(table.name)),
                now,
                self.settings.backup_keep_days,
                self.settings.backup_keep_last,
            )
            for name in self.catalog.leftovers(table.name, now - _LEFTOVER_AGE):
                # It may be the only backup left: whoever deleted the manifest should look.
                logs.line(
                    "WARNING",
                    "An Avro object has no manifest, and is kept",
                    labels={"alert": "backup-without-manifest"},
                    table=table.name,
                    object=name,
                )
        for manifest in gone:
            self.catalog.delete(manifest)
            logs.line(
                "INFO", "An expired backup was deleted", table=manifest.table, backup=manifest.id
            )
        return gone

    def _write(self, moment: Snapshot, table: Table, name: str) -> Content:
        catalog, codec = self.catalog, self.settings.backup_codec
        return write_table(moment, table, catalog.client, catalog.bucket, name, codec)

    def _read_back(self, name: str, content: Content) -> None:
        try:
            verify(self.catalog.client, self.catalog.stored(name), content)
        except UnusableBackup:
            self.catalog.delete_object(name)
            raise


def write_table(
    moment: Snapshot, table: Table, client: Any, bucket: str, name: str, codec: str
) -> Content:
    """Write a table's rows to an Avro object, in constant memory; it appears whole or not at all.

    Raises:
        SnapshotDiffers: some rows could not be read.
        DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
    """
    schema = schemas.of_table(table)
    metadata = {
        FINGERPRINT: schema.fingerprint.encode(),
        SNAPSHOT_AT: moment.taken_at.isoformat().encode(),
    }
    header = container.new_header(schema.declared, codecs.of(codec), metadata)
    checksum = Checksum(schema.by_field)
    blob = client.bucket(bucket).blob(name, chunk_size=_UPLOAD_BYTES)
    # An error inside cancels the upload.
    with (
        storage.mapped(),
        blob.open("wb", content_type=CONTENT_TYPE) as stream,
    ):
        writer = Writer(stream, header)
        with writing(writer, schema, checksum.add) as put:
            moment.send(table, put)
    return content_of(schema, checksum, writer.digest)


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
