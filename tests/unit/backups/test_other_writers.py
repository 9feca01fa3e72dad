"""Avro files of any table, as other programs write them, give the rows that were written."""

import io
from datetime import datetime, timedelta

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.avro import rows
from shared.avro.codecs import MAX_BLOCK_BYTES
from shared.avro.container import Reader
from shared.avro.schemas import FileSchema
from shared.backups.import_rows import RestoreLoad, RowImport
from shared.backups.mapping import resolve
from shared.tables import Integer, Row, Table, Timestamp
from shared.tables.kinds.timestamp import EPOCH, micros
from tests.backups.rows import LOAD_ID, NOON
from tests.support.other_writers import NANOS, WRITERS, schema_of


def imported(table, content):
    """The rows that a restore makes of a file."""
    reader = Reader(io.BytesIO(content), MAX_BLOCK_BYTES)
    schema = FileSchema(reader.header.schema)
    importing = RowImport(
        table, resolve(schema, table, {}), RestoreLoad(NOON, LOAD_ID), check_rules=True
    )
    chunks = [importing.typed(chunk).records() for chunk in rows.chunks(schema, reader)]
    importing.rejected.check()
    return [tuple(record[name] for name in table.names) for chunk in chunks for record in chunk]


def as_stored(row):
    """A row as Avro values."""
    return tuple(micros(value) if isinstance(value, datetime) else value for value in row)


@pytest.mark.parametrize("writer", WRITERS)
@given(data=st.data())
def test_a_file_gives_the_rows_that_were_written(writer, data):
    table, found, write = data.draw(WRITERS[writer]())

    assert imported(table, write()) == [as_stored(row) for row in found]


def test_a_moment_finer_than_a_microsecond_is_rejected_not_rounded():
    table = Table(
        "offices",
        type("Office", (Row,), {"__doc__": "x", "id": Integer(minimum=1), "opened": Timestamp()}),
    )
    sink = io.BytesIO()
    values = [micros(NOON) * 1000, micros(NOON) * 1000 + 1]
    records = [{"id": at + 1, "opened": value} for at, value in enumerate(values)]
    fastavro.writer(sink, schema_of({"id": "long", "opened": NANOS}), records)
    reader = Reader(io.BytesIO(sink.getvalue()), MAX_BLOCK_BYTES)
    schema = FileSchema(reader.header.schema)
    importing = RowImport(
        table, resolve(schema, table, {}), RestoreLoad(NOON, LOAD_ID), check_rules=True
    )

    (chunk,) = [importing.typed(chunk).records() for chunk in rows.chunks(schema, reader)]

    assert [(one["id"], EPOCH + timedelta(microseconds=one["opened"])) for one in chunk] == [
        (1, NOON)
    ]
    assert [one["key"] for one in importing.rejected.examples] == [{"id": 2}]
