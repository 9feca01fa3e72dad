"""Encodes and decodes the rows of a file: in bulk if the schema allows it, else through fastavro.

Files hold their rows in blocks, and a few blocks are decoded at a time, so memory stays constant
whatever the size of the file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from shared.avro import binary, codecs, container
from shared.avro.binary import Block, EncodedRows
from shared.avro.columns import Chunk, Column, Ints, Texts, Values
from shared.avro.container import Reader
from shared.avro.errors import AvroError
from shared.avro.schemas import Field, FileSchema
from shared.lazy import fastavro
from shared.lazy import numpy as np

# Measured: larger portions are not faster.
_PORTION_BYTES = 2 << 20
_PORTION_ROWS = 50_000


def encode(schema: FileSchema, chunk: Chunk) -> EncodedRows:
    """Encode rows in Avro's binary encoding."""
    if schema.encodings is not None and binary.can_encode(chunk):
        return binary.encode(chunk)
    return encode_one_by_one(schema, chunk)


def decode(schema: FileSchema, blocks: Sequence[Block]) -> Chunk:
    """Decode the rows of some blocks, in any order.

    Raises:
        AvroError: `damaged`, the bytes do not match the schema.
    """
    _check_sizes(blocks)
    columns = None
    if schema.encodings is not None and binary.can_decode(blocks):
        columns = binary.decode(blocks, schema.encodings)
    if columns is None:
        columns = decode_one_by_one(schema, blocks)
    return _chunk(schema, sum(block.rows for block in blocks), columns)


def portions(reader: Reader) -> Iterator[list[Block]]:
    """Yield the unpacked blocks of a file, a few at a time.

    Raises:
        AvroError: `truncated`, `damaged`, `too_large`.
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


def chunks(schema: FileSchema, reader: Reader) -> Iterator[Chunk]:
    """Yield the rows of a file, a few at a time even if a block holds many.

    Raises:
        AvroError: `truncated`, `damaged`, `too_large`.
    """
    for blocks in portions(reader):
        if schema.encodings is not None and binary.can_decode(blocks):
            yield decode(schema, blocks)
            continue
        # As Python values, rows take many times their bytes, so a whole portion is too much.
        _check_sizes(blocks)
        records = _records(schema, blocks)
        while found := list(islice(records, _PORTION_ROWS)):
            yield _chunk(schema, len(found), _columns(schema, found))


def encode_one_by_one(schema: FileSchema, chunk: Chunk) -> EncodedRows:
    """Encode rows of any type through fastavro."""
    sink = io.BytesIO()
    ends = []
    for record in chunk.records():
        fastavro.schemaless_writer(sink, schema.decoded, record)
        ends.append(sink.tell())
    return EncodedRows(memoryview(sink.getvalue()), np.array(ends, np.int64))


def decode_one_by_one(schema: FileSchema, blocks: Sequence[Block]) -> list[Column]:
    """Decode rows of any type to columns through fastavro.

    Raises:
        AvroError: `damaged`, the bytes do not match the schema.
    """
    return _columns(schema, list(_records(schema, blocks)))


def _records(schema: FileSchema, blocks: Sequence[Block]) -> Iterator[dict[str, Any]]:
    parsed = schema.decoded
    try:
        for block in blocks:
            (found,) = fastavro.block_reader(_file(parsed, block))
            yield from found
            if found.bytes_.read(1):
                raise ValueError("more bytes than rows")
    # Damaged bytes can cause any error: of values, types, ends, memory, Unicode.
    except Exception as error:
        raise AvroError(
            "damaged",
            "The rows of a block do not match the file's schema; the file is damaged.",
        ) from error


def _file(parsed: Any, block: Block) -> io.BytesIO:
    header = container.new_header(parsed, codecs.of("null"), {})
    return io.BytesIO(header.encoded() + header.framed(block.rows, block.data))


def _columns(schema: FileSchema, records: Sequence[dict[str, Any]]) -> list[Column]:
    return [_column(field, [record[field.name] for record in records]) for field in schema.fields]


def _column(field: Field, values: list[Any]) -> Column:
    if not field.is_plain:
        return Values(values)
    if field.form == "text":
        return Texts.of([text.encode() for text in values])
    return Ints(np.array(values, np.int64))


def _chunk(schema: FileSchema, count: int, columns: Sequence[Column]) -> Chunk:
    names = [field.name for field in schema.fields]
    return Chunk(count, dict(zip(names, columns, strict=True)))


def _check_empty(data: bytes) -> None:
    # Most likely a damaged number: if it were skipped, its rows would be lost silently.
    if data:
        raise AvroError(
            "damaged",
            f"A block of the file claims no rows but has {len(data)} bytes; it is damaged.",
        )


def _check_sizes(blocks: Sequence[Block]) -> None:
    # Each row takes at least one byte: do not allocate memory for an impossible number of rows.
    if any(block.rows > len(block.data) for block in blocks):
        raise AvroError("damaged", "A block of the file has fewer bytes than rows; it is damaged.")
