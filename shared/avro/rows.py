"""Rows one by one, through fastavro: for what the bulk paths do not cover."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from shared.avro import codecs, container
from shared.avro.binary import Block
from shared.avro.columns import Chunk, Column, Ints, Texts, Values
from shared.avro.encode import Rows
from shared.avro.schemas import Field, FileSchema
from shared.backups.errors import UnusableBackup
from shared.lazy import fastavro
from shared.lazy import numpy as np


def decode(schema: FileSchema, blocks: Sequence[Block]) -> list[Column]:
    """The columns of the rows of some blocks.

    Raises:
        UnusableBackup: `damaged`, the bytes are not what the schema says.
    """
    return _columns(schema, list(_records(schema, blocks)))


def decoded(
    schema: FileSchema, blocks: Sequence[Block], most: int
) -> Iterator[tuple[int, list[Column]]]:
    """The same, `most` rows at a time, with how many these are.

    Raises:
        UnusableBackup: `damaged`.
    """
    records = _records(schema, blocks)
    while found := list(islice(records, most)):
        yield len(found), _columns(schema, found)


def _records(schema: FileSchema, blocks: Sequence[Block]) -> Iterator[dict[str, Any]]:
    parsed = schema.decoded
    try:
        for block in blocks:
            (found,) = fastavro.block_reader(_file(parsed, block))
            yield from found
            if found.bytes_.read(1):
                raise ValueError("more bytes than rows")
    # Damaged bytes end in any error there is: of values, types, ends, memory, Unicode.
    except Exception as error:
        raise UnusableBackup(
            "damaged",
            "The rows of a block are not what the file's schema says; the file is damaged.",
        ) from error


def _columns(schema: FileSchema, records: Sequence[dict[str, Any]]) -> list[Column]:
    return [_column(field, [record[field.name] for record in records]) for field in schema.fields]


def encode(schema: FileSchema, chunk: Chunk) -> Rows:
    """Rows as Avro writes them."""
    sink = io.BytesIO()
    ends = []
    for record in chunk.records():
        fastavro.schemaless_writer(sink, schema.decoded, record)
        ends.append(sink.tell())
    return Rows(memoryview(sink.getvalue()), np.array(ends, np.int64))


def _file(parsed: Any, block: Block) -> io.BytesIO:
    header = container.new_header(parsed, codecs.of("null"), {})
    return io.BytesIO(header.encoded() + header.framed(block.rows, block.data))


def _column(field: Field, values: list[Any]) -> Column:
    if not field.is_plain:
        return Values(values)
    if field.meaning == "text":
        return Texts.of([text.encode() for text in values])
    return Ints(np.array(values, np.int64))
