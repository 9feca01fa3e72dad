"""Rows one by one, through fastavro: for what the bulk paths do not cover."""

import io
from collections.abc import Sequence
from typing import Any

import fastavro
import numpy as np

from shared.backups import codecs, container
from shared.backups.columns import Chunk, Column, Ints, Texts, Values
from shared.backups.encode import Rows
from shared.backups.faults import UnusableBackup
from shared.backups.lanes import Block
from shared.backups.schemas import Field, FileSchema


def decode(schema: FileSchema, blocks: Sequence[Block]) -> list[Column]:
    """The columns of the rows of some blocks.

    Raises:
        UnusableBackup: `damaged`, the bytes are not what the schema says.
    """
    parsed = schema.decoded
    records: list[dict[str, Any]] = []
    try:
        for block in blocks:
            before = len(records)
            records += fastavro.reader(_file(parsed, block))
            if len(records) - before != block.rows:
                raise ValueError("another number of rows")
    except UnusableBackup:
        raise
    # Damaged bytes end in any error there is: of values, types, ends, memory, Unicode.
    except Exception as error:
        raise UnusableBackup(
            "damaged",
            "The rows of a block are not what the file's schema says; the file is damaged.",
        ) from error
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
