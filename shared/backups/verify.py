"""Reads a whole backup, and compares it with its manifest."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from shared import logs, storage
from shared.avro import codecs, rows
from shared.avro.binary import Block
from shared.avro.checksum import Checksum
from shared.avro.container import Reader, StreamDigest
from shared.avro.schemas import FileSchema
from shared.backups import errors
from shared.backups.catalog import Catalog, Content, Manifest
from shared.backups.errors import UnusableBackup
from shared.pipeline import Stage
from shared.storage import StoredObject

FINGERPRINT = "tablegate.fingerprint"
"""The entry of a backup's header that holds its schema's fingerprint."""
SNAPSHOT_AT = "tablegate.snapshot_at"
"""The entry of a backup's header that holds when its rows were read, as ISO 8601."""

# Measured: larger requests are not faster.
_DOWNLOAD_BYTES = 2 << 20
_WORDS = {
    "size_bytes": "size in bytes",
    "crc32c": "CRC32C",
    "fingerprint": "schema fingerprint",
    "rows": "number of rows",
    "checksum": "content checksum",
}


def verify(client: Any, stored: StoredObject, known: Content) -> None:
    """Read an object and compare it with its known content.

    Raises:
        UnusableBackup: it cannot be read, or differs; the text says how.
        StorageUnavailable: try again later.
    """
    compare(_content(client, stored), known)


def original(catalog: Catalog, stored: StoredObject, table_name: str) -> Manifest | None:
    """Return the manifest of the backup of a table that an object holds, wherever it lies.

    Its header says which backup it is. The content is not read.

    Raises:
        UnusableBackup: the object is no Avro file, or damaged.
        StorageUnavailable: try again later.
    """
    with opened(catalog.client, stored) as reader:
        metadata = reader.header.metadata
    try:
        snapshot_at = datetime.fromisoformat(metadata[SNAPSHOT_AT].decode())
        fingerprint = metadata[FINGERPRINT].decode()
    except (KeyError, ValueError):
        return None
    manifest = catalog.taken_at(table_name, snapshot_at)
    if manifest is not None and manifest.fingerprint == fingerprint:
        return manifest
    logs.line(
        "WARNING",
        "A backup's manifest is not in the bucket, so its rows are validated, not compared",
        object=stored.name,
        taken_at=snapshot_at,
    )
    return None


def compare(found: Content, known: Content) -> None:
    """Compare the content that was read with the known content.

    Raises:
        UnusableBackup: `damaged`, they differ; the text says how.
    """
    wrong = [name for name in _WORDS if getattr(known, name) != getattr(found, name)]
    if wrong:
        differences = "; ".join(
            f"its {_WORDS[name]} is {getattr(found, name)!r}, expected {getattr(known, name)!r}"
            for name in wrong
        )
        raise UnusableBackup(
            "damaged",
            f"The backup has changed since it was written: {differences}. Use another backup.",
            differs=wrong,
        )


@contextmanager
def opened(
    client: Any, stored: StoredObject, max_block_bytes: int = codecs.MAX_BLOCK_BYTES
) -> Iterator[Reader]:
    """Read an Avro object inside the context.

    Raises:
        UnusableBackup: the object is missing, or what the context reads of it is damaged.
        StorageUnavailable: try again later.
    """
    blob = client.bucket(stored.bucket).blob(stored.name, generation=stored.generation)
    with (
        errors.mapped(),
        storage.mapped(),
        blob.open("rb", chunk_size=_DOWNLOAD_BYTES, raw_download=True) as stream,
    ):
        yield Reader(stream, max_block_bytes)


def _content(client: Any, stored: StoredObject) -> Content:
    with opened(client, stored) as reader:
        schema = FileSchema(reader.header.schema)
        checksum = Checksum(schema.by_field)

        def add(blocks: list[Block]) -> None:
            checksum.add(rows.decode(schema, blocks))

        with Stage(add, depth=1) as checking:
            for portion in rows.portions(reader):
                checking.put(portion)
        return content_of(schema, checksum, reader.digest)


def content_of(schema: FileSchema, checksum: Checksum, digest: StreamDigest) -> Content:
    """Return the content of an object that was written or read to its end."""
    return Content(
        checksum.rows,
        checksum.hexadecimal,
        digest.size_bytes,
        digest.crc32c,
        schema.fingerprint,
    )
