"""Avro files of any table, as other programs write them, give the rows that were written."""

import io
import json
from datetime import UTC, datetime, timedelta

import avro.datafile
import avro.io
import avro.schema
import fastavro
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.avro import rows
from shared.avro.codecs import MAX_BLOCK_BYTES
from shared.avro.container import Reader
from shared.avro.schemas import FileSchema
from shared.backups.import_rows import RestoreLoad, RowImport
from shared.backups.mapping import resolve
from shared.tables import Integer, Row, Table, Text, Timestamp
from shared.tables.kinds.timestamp import EPOCH, micros
from tests.backups.rows import LOAD_ID, NOON

MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
NANOS = {"type": "long", "logicalType": "timestamp-nanos"}
ENUM = {"type": "enum", "name": "Size", "symbols": ["small", "large"]}


def moments(first, last):
    """Moments between two days."""
    days = [datetime(*day, tzinfo=UTC).replace(tzinfo=None) for day in (first, last)]
    return st.datetimes(*days, timezones=st.just(UTC))


MOMENTS = moments((1, 1, 2), (9999, 12, 30))
WHOLE_MILLIS = MOMENTS.map(lambda m: m.replace(microsecond=m.microsecond // 1000 * 1000))
# Nanoseconds since 1970 fit in a long until 2262.
NEAR = moments((1700, 1, 1), (2262, 1, 1))
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    str.strip
)
NUMBERS = st.integers(1, 2**63 - 1)

CODECS = ["null", "deflate", "bzip2", "xz", "snappy", "zstandard"]

# A kind, a type that files have for it, its values, and each as fastavro takes it.
COLUMNS = {
    "long": (Integer, "long", NUMBERS, None),
    "int": (Integer, "int", st.integers(1, 2**31 - 1), None),
    "int or long": (Integer, ["null", "int", "long"], NUMBERS, None),
    "text": (Text, "string", TEXTS, None),
    "enum": (Text, ENUM, st.sampled_from(ENUM["symbols"]), None),
    "micros": (Timestamp, MICROS, MOMENTS, None),
    "millis": (Timestamp, MILLIS, WHOLE_MILLIS, None),
    "nanos": (Timestamp, NANOS, NEAR, lambda moment: micros(moment) * 1000),
    "ISO 8601": (Timestamp, "string", MOMENTS, datetime.isoformat),
}
FORMS = {
    "as it is": lambda kind: kind,
    "null first": lambda kind: ["null", kind],
    "null last": lambda kind: [kind, "null"],
    "one branch": lambda kind: [kind],
}


@st.composite
def written(draw):
    """A table, the types of its columns in a file, and rows of it."""
    columns = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=5))
    # A union cannot hold a union.
    forms = [
        "as it is" if isinstance(COLUMNS[one][1], list) else draw(st.sampled_from(sorted(FORMS)))
        for one in columns
    ]
    kinds = {f"field_{at}": COLUMNS[one][0]() for at, one in enumerate(columns)}
    table = Table(
        "offices", type("Office", (Row,), {"__doc__": "An office.", "id": Integer()} | kinds)
    )
    # A named type is defined once in a schema, and named after that.
    declared = [
        ENUM["name"] if one == "enum" in columns[:at] else COLUMNS[one][1]
        for at, one in enumerate(columns)
    ]
    types = {"id": "long"} | {
        name: FORMS[form](kind) for name, kind, form in zip(kinds, declared, forms, strict=True)
    }
    values = st.tuples(*(COLUMNS[one][2] for one in columns))
    found = draw(st.lists(values, max_size=20))
    return table, ["long", *columns], types, [(at + 1, *row) for at, row in enumerate(found)]


def schema_of(types):
    return {
        "type": "record",
        "name": "Root",
        "fields": [{"name": name, "type": kind} for name, kind in types.items()],
    }


def as_written(columns, row):
    """A row as a writer takes it."""
    converters = [COLUMNS[one][3] for one in columns]
    return [value if c is None else c(value) for c, value in zip(converters, row, strict=True)]


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


@given(written(), st.sampled_from(CODECS), st.integers(10, 4000))
def test_fastavro(made, codec, block_bytes):
    table, columns, types, found = made
    sink = io.BytesIO()
    records = [dict(zip(types, as_written(columns, row), strict=True)) for row in found]
    fastavro.writer(sink, schema_of(types), records, codec=codec, sync_interval=block_bytes)

    assert imported(table, sink.getvalue()) == [as_stored(row) for row in found]


# It knows no nanoseconds, and writes them as bare numbers with that name.
@pytest.mark.filterwarnings("ignore::avro.errors.IgnoredLogicalType")
@given(written(), st.sampled_from(["null", "deflate", "bzip2"]))
def test_the_avro_package(made, codec):
    table, columns, types, found = made
    sink = io.BytesIO()
    schema = avro.schema.parse(json.dumps(schema_of(types)))
    writer = avro.datafile.DataFileWriter(sink, avro.io.DatumWriter(), schema, codec=codec)
    for row in found:
        writer.append(dict(zip(types, as_written(columns, row), strict=True)))
    writer.flush()

    assert imported(table, sink.getvalue()) == [as_stored(row) for row in found]


@given(
    st.lists(st.tuples(NUMBERS, TEXTS, MOMENTS), min_size=1, max_size=20, unique_by=lambda r: r[0])
)
def test_polars(found):
    table = Table(
        "offices",
        type(
            "Office",
            (Row,),
            {"__doc__": "An office.", "id": Integer(), "city": Text(), "opened": Timestamp()},
        ),
    )
    frame = polars.DataFrame(
        {
            "id": [row[0] for row in found],
            "city": [row[1] for row in found],
            "opened": [row[2].isoformat() for row in found],
        }
    )
    sink = io.BytesIO()
    frame.write_avro(sink, name="offices")

    assert imported(table, sink.getvalue()) == [as_stored(row) for row in found]


def test_a_moment_finer_than_a_microsecond_is_rejected_not_rounded():
    table = Table(
        "offices", type("Office", (Row,), {"__doc__": "x", "id": Integer(), "opened": Timestamp()})
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
