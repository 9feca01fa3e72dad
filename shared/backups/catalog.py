"""The backups in a bucket: their manifests, and which of them may be deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from shared import logs, storage
from shared.backups.errors import UnknownBackup, UnusableBackup, naming
from shared.lazy import api_exceptions
from shared.moments import Moment
from shared.storage import ObjectStore, StoredObject

Count: TypeAlias = Annotated[int, Meta(ge=0)]

LATEST = "latest"
_JSON = "application/json"
_TIME = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(
    r"(?P<table>[^/]+)/(?P<time>\d{8}T\d{6}\.\d{6}Z)-(?P<id>[0-9a-f]{12})\.(avro|json)"
)


@dataclass(frozen=True)
class Content:
    """The content of an Avro object, as written or as read.

    Attributes:
        rows: the number of rows.
        checksum: the checksum of the rows, whatever their order.
        size_bytes: the size of the object.
        crc32c: the CRC32C of the object's bytes, base64.
        fingerprint: SHA-256 of the schema's parsing canonical form.
    """

    rows: int
    checksum: str
    size_bytes: int
    crc32c: str
    fingerprint: str


class BackupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a backup that both its manifest and the API have."""

    id: Annotated[str, Meta(description="The id by which it is restored, verified or deleted.")]
    table: str
    rows: Count
    size_bytes: Count
    crc32c: Annotated[str, Meta(description="CRC32C of the file's bytes, base64.")]
    checksum: Annotated[str, Meta(description="Checksum of its rows, whatever their order.")]
    fingerprint: Annotated[str, Meta(description="SHA-256 of the schema's parsing canonical form.")]
    codec: str
    snapshot_at: Annotated[
        Moment, Meta(description="When its rows were read, all at the same moment.")
    ]
    scheduled: bool
    sender: Annotated[str, Meta(description="Who asked for it.")]
    verified_at: Annotated[Moment, Meta(description="When it was last found intact.")]


class Manifest(BackupFacts, frozen=True, kw_only=True):
    """The facts of a backup, written next to it once it was read back.

    Tables that were backed up together share its id.

    Attributes:
        object: name of the Avro object in the backups bucket.
        schema: the Avro schema.
        created_at: when the backup was finished.
        damage: what was wrong when it was last read, or None.
    """

    object: str
    schema: dict[str, Any]
    created_at: datetime
    damage: str | None = None

    @property
    def is_verified(self) -> bool:
        """Whether the backup was undamaged when it was last read."""
        return self.damage is None

    @property
    def name(self) -> str:
        """Name of the manifest's own object."""
        return f"{self.object.removesuffix('.avro')}.json"

    @property
    def content(self) -> Content:
        """The content of the Avro object."""
        return Content(self.rows, self.checksum, self.size_bytes, self.crc32c, self.fingerprint)

    def encoded(self) -> bytes:
        """Encode the manifest as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def checked(self, damage: str | None, now: datetime) -> Manifest:
        """Return the manifest with the result of reading the object again."""
        verified_at = now if damage is None else self.verified_at
        return msgspec.structs.replace(self, verified_at=verified_at, damage=damage)


def object_name(table_name: str, snapshot_at: datetime, backup_id: str) -> str:
    """Name a backup's Avro object."""
    moment = snapshot_at.astimezone(UTC).strftime(_TIME)
    return f"{table_name}/{moment}-{backup_id}.avro"


def expired(
    newest_first: Sequence[Manifest], now: datetime, keep_days: int, keep_last: int
) -> list[Manifest]:
    """Return the backups of a table that may be deleted.

    Kept are those of the last `keep_days`, the last `keep_last`, and the last `keep_last` undamaged
    ones, so that the only good backup is never deleted.
    """
    good = [manifest for manifest in newest_first if manifest.is_verified]
    kept = {manifest.object for manifest in (*newest_first[:keep_last], *good[:keep_last])}
    oldest = now - timedelta(days=keep_days)
    return [
        manifest
        for manifest in newest_first
        if manifest.object not in kept and manifest.snapshot_at < oldest
    ]


class Catalog:
    """The backups in a bucket.

    Args:
        client: Cloud Storage.
        bucket: the bucket's name.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self.client, self.bucket = client, bucket

    def newest_first(self, table_name: str) -> Iterator[Manifest]:
        """Yield the backups of a table, newest first.

        Raises:
            StorageUnavailable: try again later.
        """
        for name in sorted(self._names(table_name, ".json"), reverse=True):
            found = self._read(name)
            if found is not None:
                yield found

    def find(self, table_name: str, backup_id: str) -> Manifest:
        """Find the backup of a table with this id; `latest` is the newest undamaged one.

        Raises:
            UnknownBackup: the table has no such backup.
            StorageUnavailable: try again later.
        """
        if backup_id == LATEST:
            for found in self.newest_first(table_name):
                if found.is_verified:
                    return found
        else:
            for name in self._names(table_name, f"-{backup_id}.json"):
                if (one := self._read(name)) is not None:
                    return one
        raise UnknownBackup(
            f"Table {table_name!r} has no backup {backup_id[:50]!r}; "
            f"GET /backup_table/{table_name} lists its backups."
        )

    def taken_at(self, table_name: str, snapshot_at: datetime) -> Manifest | None:
        """Return the backup of a table from a moment, or None.

        Raises:
            StorageUnavailable: try again later.
        """
        start = object_name(table_name, snapshot_at, "").removesuffix(".avro")
        found = (self._read(n) for n in self._names(table_name, ".json") if n.startswith(start))
        return next(filter(None, found), None)

    def find_set(self, table_names: Sequence[str], backup_id: str) -> list[Manifest]:
        """Find the backups of several tables that were made together.

        Args:
            table_names: the tables.
            backup_id: the id that they share; `latest` is the newest of which none is damaged.

        Raises:
            UnknownBackup: there are no such backups.
            StorageUnavailable: try again later.
        """
        if backup_id != LATEST:
            return [self.find(name, backup_id) for name in table_names]
        by_table = [
            {one.id: one for one in self.newest_first(name) if one.is_verified}
            for name in table_names
        ]
        for wanted in by_table[0]:
            if all(wanted in found for found in by_table):
                return [found[wanted] for found in by_table]
        raise UnknownBackup(
            "No undamaged backups of all tables were made together; POST /backup_table/all."
        )

    def stored(self, name: str) -> StoredObject:
        """Find the Avro object of a backup.

        Raises:
            UnusableBackup: `damaged`, the object is missing.
            StorageUnavailable: try again later.
        """
        found = ObjectStore(self.client).find(self.bucket, name)
        if found is None:
            with naming(name):
                raise UnusableBackup(
                    "damaged", f"The object {name!r} of the backup is gone; use another backup."
                )
        return found

    def write_manifest(self, manifest: Manifest) -> None:
        """Write a manifest; from then on its backup exists.

        Raises:
            StorageUnavailable: try again later.
        """
        ObjectStore(self.client).write(self.bucket, manifest.name, (manifest.encoded(),), _JSON)

    def delete(self, manifest: Manifest) -> None:
        """Delete a backup: its manifest first, so that a manifest never lacks its object.

        Raises:
            StorageUnavailable: try again later.
        """
        self.delete_object(manifest.name)
        self.delete_object(manifest.object)

    def delete_object(self, name: str) -> None:
        """Delete an object, if it exists."""
        with storage.mapped():
            try:
                self.client.bucket(self.bucket).blob(name).delete()
            except api_exceptions.NotFound:
                return

    def leftovers(self, table_name: str, before: datetime) -> list[str]:
        """List objects without a manifest, from backups interrupted before that moment."""
        with storage.mapped():
            blobs = list(self.client.list_blobs(self.bucket, prefix=f"{table_name}/"))
        kept = {blob.name.removesuffix(".json") for blob in blobs if blob.name.endswith(".json")}
        return [
            blob.name
            for blob in blobs
            if _is_of_backup(blob.name)
            and blob.name.endswith(".avro")
            and blob.name.removesuffix(".avro") not in kept
            and blob.time_created < before
        ]

    def _names(self, table_name: str, ending: str) -> list[str]:
        with storage.mapped():
            blobs = self.client.list_blobs(self.bucket, prefix=f"{table_name}/")
            names = [str(blob.name) for blob in blobs]
        return [n for n in names if _is_of_backup(n) and n.endswith(ending)]

    def _read(self, name: str) -> Manifest | None:
        with storage.mapped():
            try:
                content = self.client.bucket(self.bucket).blob(name).download_as_bytes()
            except api_exceptions.NotFound:
                # The manifest was deleted after it was listed.
                return None
        try:
            return msgspec.json.decode(content, type=Manifest)
        except msgspec.MsgspecError as error:
            logs.line("WARNING", "A manifest was skipped", object=name, error=str(error))
            return None


def _is_of_backup(name: str) -> bool:
    """Return whether a backup's object or manifest may have this name."""
    return _NAME.fullmatch(name) is not None
