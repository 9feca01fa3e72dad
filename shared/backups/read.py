"""A file's rows by column, in constant memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from shared import storage
from shared.backups import codecs, lanes, rows
from shared.backups.checksum import Checksum
from shared.backups.columns import Chunk
from shared.backups.container import Reader
from shared.backups.faults import UnusableBackup
from shared.backups.lanes import Block
from shared.backups.schemas import FileSchema
from shared.storage import StoredObject

# So much of a file is worked on at a time, and asked for; measured, more makes it no faster.
_PORTION_BYTES = 2 << 20
_DOWNLOAD_BYTES = 2 << 20


@contextmanager
def opened(client: Any, stored: StoredObject) -> Iterator[Reader]:
    """An Avro object that is being read.

    Raises:
        UnusableBackup: `not_avro`, `truncated`, `damaged`, `unknown_codec`.
        StorageAway: try again later.
    """
    blob = client.bucket(stored.bucket).blob(stored.name, generation=stored.generation)
    with (
        storage.mapped(),
        blob.open("rb", chunk_size=_DOWNLOAD_BYTES, raw_download=True) as stream,
    ):
        yield Reader(stream)


def portions(reader: Reader) -> Iterator[list[Block]]:
    """The blocks of a file, unpacked, some at a time.

    Raises:
        UnusableBackup: `truncated`, `damaged`, `too_large`.
    """
    portion: list[Block] = []
    size = 0
    for count, packed in reader.blocks():
        block = Block(count, codecs.unpacked(reader.header.codec, packed))
        portion.append(block)
        size += len(block.data)
        if size >= _PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def chunk(schema: FileSchema, blocks: Sequence[Block]) -> Chunk:
    """The rows of some blocks.

    Raises:
        UnusableBackup: `damaged`, the bytes are not what the schema says.
    """
    for block in blocks:
        # Each row takes a byte at least: a number that cannot be must not get memory.
        if block.rows > len(block.data):
            raise UnusableBackup(
                "damaged", "A block of the file has fewer bytes than rows; it is damaged."
            )
    columns = None
    if schema.is_plain and lanes.are_covered(blocks):
        columns = lanes.decode(blocks, [field.meaning == "text" for field in schema.fields])
    if columns is None:
        columns = rows.decode(schema, blocks)
    names = [field.name for field in schema.fields]
    return Chunk(sum(block.rows for block in blocks), dict(zip(names, columns, strict=True)))


def checksum_of(schema: FileSchema) -> Checksum:
    """A checksum of rows of this schema, of none yet."""
    return Checksum(schema.by_field)
