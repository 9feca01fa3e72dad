"""The backups there are: their manifests on Cloud Storage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared import logs, storage
from shared.backups import manifest as manifests
from shared.backups.errors import UnknownBackup, UnusableBackup
from shared.backups.manifest import Manifest
from shared.lazy import api_exceptions
from shared.storage import ObjectStore, StoredObject

LATEST = "latest"
_JSON = "application/json"


class Catalog:
    """The backups in a bucket.

    Args:
        client: Cloud Storage.
        bucket: the bucket's name.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self.client, self.bucket = client, bucket

    def newest_first(self, table_name: str) -> Iterator[Manifest]:
        """The backups of a table.

        Raises:
            StorageUnavailable: try again later.
        """
        for name in sorted(self._names(table_name, ".json"), reverse=True):
            found = self._read(name)
            if found is not None:
                yield found

    def find(self, table_name: str, backup_id: str) -> Manifest:
        """The backup of a table with that id, or the `latest` that is as it should be.

        Raises:
            UnknownBackup: there is none.
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
            f"GET /backup_table/{table_name} lists those it has."
        )

    def stored(self, name: str) -> StoredObject:
        """The Avro object of a backup.

        Raises:
            UnusableBackup: `damaged`, it is gone.
            StorageUnavailable: try again later.
        """
        found = ObjectStore(self.client).find(self.bucket, name)
        if found is None:
            raise UnusableBackup(
                "damaged", f"The object {name!r} of the backup is gone; use another."
            )
        return found

    def beside(self, name: str) -> Manifest | None:
        """The manifest beside an object, where there is one."""
        if manifests.id_of(name) is None:
            return None
        return self._read(f"{name.removesuffix('.avro')}.json")

    def keep(self, manifest: Manifest) -> None:
        """Write a manifest: from then on there is the backup.

        Raises:
            StorageUnavailable: try again later.
        """
        ObjectStore(self.client).write(self.bucket, manifest.name, (manifest.encoded(),), _JSON)

    def delete(self, manifest: Manifest) -> None:
        """Delete a backup: its manifest first, so that there is never one without its object.

        Raises:
            StorageUnavailable: try again later.
        """
        self.delete_object(manifest.name)
        self.delete_object(manifest.object)

    def delete_object(self, name: str) -> None:
        """Delete an object, if it is there."""
        with storage.mapped():
            try:
                self.client.bucket(self.bucket).blob(name).delete()
            except api_exceptions.NotFound:
                return

    def leftovers(self, table_name: str, before: datetime) -> list[str]:
        """Objects without a manifest that a backup cut off before that moment has left."""
        with storage.mapped():
            blobs = list(self.client.list_blobs(self.bucket, prefix=f"{table_name}/"))
        kept = {blob.name.removesuffix(".json") for blob in blobs if blob.name.endswith(".json")}
        return [
            blob.name
            for blob in blobs
            if manifests.id_of(blob.name) is not None
            and blob.name.endswith(".avro")
            and blob.name.removesuffix(".avro") not in kept
            and blob.time_created < before
        ]

    def _names(self, table_name: str, ending: str) -> list[str]:
        with storage.mapped():
            blobs = self.client.list_blobs(self.bucket, prefix=f"{table_name}/")
            names = [str(blob.name) for blob in blobs]
        return [n for n in names if manifests.id_of(n) is not None and n.endswith(ending)]

    def _read(self, name: str) -> Manifest | None:
        with storage.mapped():
            try:
                content = self.client.bucket(self.bucket).blob(name).download_as_bytes()
            except api_exceptions.NotFound:
                # Deleted since it was listed.
                return None
        try:
            return manifests.decode(content)
        except UnusableBackup as error:
            logs.line("WARNING", "A manifest is passed over", object=name, error=str(error))
            return None
