"""A file's rows by column, in constant memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from shared import storage
from shared.avro import binary, codecs, rows
from shared.avro.binary import Block
from shared.avro.checksum import Checksum
from shared.avro.columns import Chunk, Column
from shared.avro.container import Reader
from shared.avro.schemas import FileSchema
from shared.backups.errors import UnusableBackup
from shared.storage import StoredObject

# So much of a file is worked on at a time, and asked for; measured, more makes it no faster.
_PORTION_BYTES = 2 << 20
_DOWNLOAD_BYTES = 2 << 20
_PORTION_ROWS = 50_000


@contextmanager
def opened(
    client: Any, stored: StoredObject, max_block_bytes: int = codecs.MAX_BLOCK_BYTES
) -> Iterator[Reader]:
    """An Avro object that is being read.

    Raises:
        UnusableBackup: `not_avro`, `truncated`, `damaged`, `unknown_codec`.
        StorageUnavailable: try again later.
    """
    blob = client.bucket(stored.bucket).blob(stored.name, generation=stored.generation)
    with (
        storage.mapped(),
        blob.open("rb", chunk_size=_DOWNLOAD_BYTES, raw_download=True) as stream,
    ):
        yield Reader(stream, max_block_bytes)


def portions(reader: Reader) -> Iterator[list[Block]]:
    """The blocks of a file, unpacked, some at a time.

    Raises:
        UnusableBackup: `truncated`, `damaged`, `too_large`.
    """
    portion: list[Block] = []
    size = 0
    for count, packed in reader.blocks():
        data = codecs.unpacked(reader.header.codec, packed, reader.max_block_bytes)
        if not count:
            _check_empty(data)
            continue
        portion.append(Block(count, data))
        size += len(data)
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
    _check(blocks)
    columns = None
    if _in_lanes(schema, blocks):
        columns = binary.decode(blocks, [field.meaning == "text" for field in schema.fields])
    if columns is None:
        columns = rows.decode(schema, blocks)
    return _chunk(schema, sum(block.rows for block in blocks), columns)


def parts(schema: FileSchema, reader: Reader) -> Iterator[list[Block] | Chunk]:
    """A file as blocks that `chunk` is made for, and where it is not, as rows, some at a time.

    Raises:
        UnusableBackup: `truncated`, `damaged`, `too_large`.
    """
    for blocks in portions(reader):
        if _in_lanes(schema, blocks):
            yield blocks
            continue
        # One by one they take many times their bytes: not all of a portion is held.
        _check(blocks)
        for count, columns in rows.decoded(schema, blocks, _PORTION_ROWS):
            yield _chunk(schema, count, columns)


def _check_empty(data: bytes) -> None:
    # Most likely a number that was damaged: its rows would be left out, and nobody told.
    if data:
        raise UnusableBackup(
            "damaged",
            f"A block of the file says to have no rows, and has {len(data)} bytes; it is damaged.",
        )


def _check(blocks: Sequence[Block]) -> None:
    # Each row takes a byte at least: a number that cannot be must not get memory.
    if any(block.rows > len(block.data) for block in blocks):
        raise UnusableBackup(
            "damaged", "A block of the file has fewer bytes than rows; it is damaged."
        )


def _in_lanes(schema: FileSchema, blocks: Sequence[Block]) -> bool:
    return schema.is_plain and binary.are_covered(blocks)


def _chunk(schema: FileSchema, count: int, columns: Sequence[Column]) -> Chunk:
    names = [field.name for field in schema.fields]
    return Chunk(count, dict(zip(names, columns, strict=True)))


def checksum_of(schema: FileSchema) -> Checksum:
    """A checksum of rows of this schema, of none yet."""
    return Checksum(schema.by_field)
