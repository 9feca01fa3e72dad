"""Avro files of any table, as other programs write them: fastavro, the avro package, polars."""

import io
import json
import warnings
from datetime import UTC, datetime

import avro.datafile
import avro.errors
import avro.io
import avro.schema
import fastavro
import polars
from hypothesis import strategies as st

from shared.tables import Integer, Row, Table, Text, Timestamp
from shared.tables.kinds.timestamp import micros

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
        "offices",
        type("Office", (Row,), {"__doc__": "An office.", "id": Integer(minimum=1)} | kinds),
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


@st.composite
def by_fastavro(draw):
    """A table, rows of it, and what makes a file of them with fastavro."""
    table, columns, types, found = draw(written())
    codec, block_bytes = draw(st.sampled_from(CODECS)), draw(st.integers(10, 4000))

    def write():
        sink = io.BytesIO()
        records = [dict(zip(types, as_written(columns, row), strict=True)) for row in found]
        fastavro.writer(sink, schema_of(types), records, codec=codec, sync_interval=block_bytes)
        return sink.getvalue()

    return table, found, write


@st.composite
def by_the_avro_package(draw):
    """A table, rows of it, and what makes a file of them with the avro package."""
    table, columns, types, found = draw(written())
    codec = draw(st.sampled_from(["null", "deflate", "bzip2"]))

    def write():
        sink = io.BytesIO()
        with warnings.catch_warnings():
            # It knows no nanoseconds, and writes them as bare numbers with that name.
            warnings.simplefilter("ignore", avro.errors.IgnoredLogicalType)
            schema = avro.schema.parse(json.dumps(schema_of(types)))
            writer = avro.datafile.DataFileWriter(sink, avro.io.DatumWriter(), schema, codec=codec)
            for row in found:
                writer.append(dict(zip(types, as_written(columns, row), strict=True)))
            writer.flush()
        return sink.getvalue()

    return table, found, write


@st.composite
def by_polars(draw):
    """A table, rows of it, and what makes a file of them with polars."""
    rows = st.tuples(NUMBERS, TEXTS, MOMENTS)
    found = draw(st.lists(rows, min_size=1, max_size=20, unique_by=lambda row: row[0]))
    fields = {"id": Integer(minimum=1), "city": Text(), "opened": Timestamp()}
    table = Table("offices", type("Office", (Row,), {"__doc__": "An office."} | fields))

    def write():
        columns = zip(*((*row[:2], row[2].isoformat()) for row in found), strict=True)
        frame = polars.DataFrame(dict(zip(fields, columns, strict=True)))
        sink = io.BytesIO()
        frame.write_avro(sink, name="offices")
        return sink.getvalue()

    return table, found, write


WRITERS = {"fastavro": by_fastavro, "the avro package": by_the_avro_package, "polars": by_polars}
