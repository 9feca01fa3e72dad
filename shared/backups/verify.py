"""Reading a backup whole, and holding it against what is known of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from shared.avro.binary import Block
from shared.avro.schemas import FileSchema
from shared.backups import read
from shared.backups.errors import UnusableBackup
from shared.pipeline import ahead
from shared.storage import StoredObject


class Known(Protocol):
    """What is known of a backup: a manifest, or what was seen while it was written."""

    @property
    def rows(self) -> int:
        """How many rows."""

    @property
    def checksum(self) -> str:
        """Of the rows."""

    @property
    def size_bytes(self) -> int:
        """Of the object."""

    @property
    def crc32c(self) -> str:
        """Of the object's bytes."""

    @property
    def fingerprint(self) -> str:
        """Of the schema."""


@dataclass(frozen=True)
class Content:
    """What a backup was found to be."""

    rows: int
    checksum: str
    size_bytes: int
    crc32c: str
    fingerprint: str


_WORDS = {
    "size_bytes": "size in bytes",
    "crc32c": "CRC32C",
    "fingerprint": "schema fingerprint",
    "rows": "number of rows",
    "checksum": "content checksum",
}


def verify(client: Any, stored: StoredObject, known: Known) -> Content:
    """Read an object and check it against what is known of it.

    Raises:
        UnusableBackup: it is not what it was; says in what.
        StorageUnavailable: try again later.
    """
    found = content(client, stored)
    compare(found, known)
    return found


def content(client: Any, stored: StoredObject) -> Content:
    """What an object is, read as a stream.

    Raises:
        UnusableBackup: it cannot be read.
        StorageUnavailable: try again later.
    """
    with read.opened(client, stored) as reader, ThreadPoolExecutor(1) as pool:
        schema = FileSchema(reader.header.schema)
        checksum = read.checksum_of(schema)

        def add(blocks: list[Block]) -> None:
            checksum.add(read.chunk(schema, blocks))

        for _ in ahead(pool, add, read.portions(reader), depth=1):
            pass
    summed = reader.summed
    return Content(
        checksum.rows,
        checksum.hexadecimal,
        summed.size_bytes,
        summed.crc32c,
        schema.fingerprint,
    )


def compare(found: Content, known: Known) -> None:
    """Check what was found against what is known.

    Raises:
        UnusableBackup: `damaged`, they differ; says in what.
    """
    wrong = {
        name: (getattr(known, name), getattr(found, name))
        for name in _WORDS
        if getattr(known, name) != getattr(found, name)
    }
    if wrong:
        told = "; ".join(
            f"its {_WORDS[name]} is {actual!r}, and was {expected!r}"
            for name, (expected, actual) in wrong.items()
        )
        raise UnusableBackup(
            "damaged", f"The backup is not what it was: {told}. Use another.", differs=list(wrong)
        )
