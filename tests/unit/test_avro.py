"""The bulk paths encode and decode exactly as fastavro does."""

import io
import random

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.avro import binary, codecs, container, rows, varints
from shared.avro.binary import Block
from shared.avro.checksum import Checksum
from shared.avro.columns import Chunk, Ints, Texts, uuid_bytes, uuid_texts
from shared.avro.container import Reader
from shared.avro.errors import AvroError
from shared.avro.schemas import FileSchema

SCHEMA = {
    "type": "record",
    "name": "hired",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "name", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "load_id", "type": "string"},
    ],
}
FILE = FileSchema(SCHEMA)
EDGES = [sign * (2**bits + step) for bits in range(64) for step in (-1, 0) for sign in (1, -1)]
LONGS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 200), st.sampled_from(EDGES))
ROWS = st.lists(st.tuples(LONGS, st.text(max_size=40), LONGS, st.uuids().map(str)), max_size=60)


def clamped(value):
    return max(min(value, 2**63 - 1), -(2**63))


def chunk(found):
    ids, names, moments, load_ids = zip(*found, strict=True) if found else ((), (), (), ())
    return Chunk(
        len(found),
        {
            "id": Ints(np.array(list(map(clamped, ids)), np.int64)),
            "name": Texts.of([name.encode() for name in names]),
            "at": Ints(np.array(list(map(clamped, moments)), np.int64)),
            "load_id": Texts.of([load_id.encode() for load_id in load_ids]),
        },
    )


def split(encoded, rows_per_block):
    blocks, start = [], 0
    for first in range(0, len(encoded.ends), rows_per_block):
        last = min(first + rows_per_block, len(encoded.ends))
        end = int(encoded.ends[last - 1])
        blocks.append(Block(last - first, bytes(encoded.data[start:end])))
        start = end
    return blocks


@given(
    ROWS.map(lambda found: [(*row[:1], row[1].replace("\ud800", ""), *row[2:]) for row in found])
)
@settings(max_examples=200)
def test_rows_are_encoded_as_fastavro_encodes_them(found):
    original = chunk(found)

    assert bytes(binary.encode(original).data) == bytes(rows.encode_one_by_one(FILE, original).data)


@given(ROWS, st.integers(1, 3))
@settings(max_examples=200)
def test_decoding_by_columns_returns_the_same_rows(found, rows_per_block):
    original = chunk(found)
    blocks = split(rows.encode_one_by_one(FILE, original), rows_per_block)

    columns = binary.decode(blocks, FILE.encodings)

    fits_a_word = all(-(2**55) <= clamped(v) < 2**55 for row in found for v in (row[0], row[2]))
    assert (columns is not None) == fits_a_word
    if columns is not None:
        decoded = zip(*(column.to_list() for column in columns), strict=True)
        assert sorted(decoded) == sorted(tuple(record.values()) for record in original.records())


KINDS_OF_VALUES = {
    "long": LONGS.map(lambda n: max(min(n, 2**63 - 1), -(2**63))),
    "string": st.text(max_size=20).map(lambda text: text.replace("\ud800", "")),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "bytes": st.binary(max_size=20),
}


@st.composite
def fields_and_rows(draw):
    """A schema with any types that the bulk paths support, null among them, and rows of it."""
    types = draw(st.lists(st.sampled_from(sorted(KINDS_OF_VALUES)), max_size=5))
    fields, values = [], []
    for place, name in enumerate(types):
        union = draw(st.sampled_from([name, ["null", name], [name, "null"]]))
        fields.append({"name": f"f{place}", "type": union})
        found = KINDS_OF_VALUES[name]
        values.append(found if union == name else st.one_of(st.none(), found))
    fields.append({"name": "load_id", "type": "string"})
    rows = draw(st.lists(st.tuples(*values, st.uuids().map(str)), max_size=30))
    return FileSchema({"type": "record", "name": "any", "fields": fields}), rows


@given(fields_and_rows(), st.integers(1, 3))
@settings(max_examples=300)
def test_every_supported_type_is_read_and_written_as_fastavro_does(given, rows_per_block):
    file, found = given
    names = [field.name for field in file.fields]
    records = [dict(zip(names, row, strict=True)) for row in found]
    columns = rows._columns(file, records)
    by_value = Chunk(len(found), dict(zip(names, columns, strict=True)))
    blocks = split(rows.encode_one_by_one(file, by_value), rows_per_block)

    decoded = binary.decode(blocks, file.encodings)

    if decoded is None:
        # An integer of nine bytes or more.
        assert any(type(one) is int and not -(2**55) <= one < 2**55 for row in found for one in row)
        return
    chunk = Chunk(len(found), dict(zip(names, decoded, strict=True)))
    order = sorted(range(len(found)), key=lambda place: records[place]["load_id"])
    in_order = sorted(chunk.records(), key=lambda record: record["load_id"])
    assert in_order == [records[place] for place in order]
    again = binary.encode(chunk)
    one_by_one = rows.encode_one_by_one(file, chunk)
    assert bytes(again.data) == bytes(one_by_one.data)
    assert again.ends.tolist() == one_by_one.ends.tolist()
    sums = [Checksum(file.by_field) for _ in range(2)]
    for sum_, rows_of in zip(sums, (chunk, by_value), strict=True):
        sum_.add(rows_of)
    assert sums[0].hexadecimal == sums[1].hexadecimal


@given(fields_and_rows(), st.binary(max_size=200), st.integers(1, 20))
@settings(max_examples=200)
def test_any_bytes_of_any_schema_decode_or_are_refused(given, data, count):
    file, _ = given
    try:
        columns = binary.decode([Block(count, data)], file.encodings)
    except AvroError as error:
        assert error.code == "damaged"
        return
    if columns is not None:
        names = [field.name for field in file.fields]
        chunk = Chunk(count, dict(zip(names, columns, strict=True)))
        try:
            expected = rows.decode_one_by_one(file, [Block(count, data)])
        except AvroError:
            # A text that is not UTF-8 is noticed when it is used.
            with pytest.raises(AvroError, match="UTF-8"):
                chunk.records()
            return
        assert repr(chunk.records()) == repr(
            Chunk(count, dict(zip(names, expected, strict=True))).records()
        )


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_fastavro_reads_our_files_and_so_do_we(codec):
    original = chunk([(i, f"n{i}" * (i % 50), i * 1000, f"{i:036}") for i in range(3000)])
    header = container.new_header(SCHEMA, codecs.of(codec), {"mine": b"yes"})
    sink = io.BytesIO()
    sink.write(header.encoded())
    for block in split(binary.encode(original), 100):
        sink.write(header.framed(block.rows, header.codec.pack(memoryview(block.data))))
    sink.seek(0)

    if codec != "zstandard":
        # fastavro needs an extra library for zstandard before Python 3.14.
        theirs = fastavro.reader(sink)
        assert theirs.metadata["mine"] == "yes"
        assert [(r["id"], r["name"]) for r in theirs] == [
            (r["id"], r["name"]) for r in original.records()
        ]
        sink.seek(0)
    reader = Reader(sink)
    found = [rows.decode(FILE, portion) for portion in rows.portions(reader)]

    checksums = [Checksum(FILE.by_field), Checksum(FILE.by_field)]
    for one in found:
        checksums[0].add(one)
    checksums[1].add(original)
    assert checksums[0].hexadecimal == checksums[1].hexadecimal
    assert checksums[0].rows == 3000
    assert reader.digest.size_bytes == len(sink.getvalue())


def test_our_own_files_take_the_bulk_path(monkeypatch):
    original = chunk([(i, f"n{i}", i * 1000, f"{i:036}") for i in range(1000)])
    blocks = split(binary.encode(original), 20)
    monkeypatch.setattr(rows, "decode_one_by_one", None)

    assert sorted(rows.decode(FILE, blocks).columns["id"].to_list()) == list(range(1000))


def test_files_from_fastavro_are_read_whatever_their_block_size():
    records = [{"id": i, "name": f"n{i}", "at": i, "load_id": ""} for i in range(2000)]
    for interval in (1, 500, 16000, 10**7):
        sink = io.BytesIO()
        fastavro.writer(sink, SCHEMA, records, codec="deflate", sync_interval=interval)
        sink.seek(0)
        reader = Reader(sink)

        found = [rows.decode(FILE, portion) for portion in rows.portions(reader)]

        ids = [i for one in found for i in one.columns["id"].to_list()]
        assert sorted(ids) == list(range(2000)), interval


def test_the_checksum_ignores_row_order_and_detects_every_change():
    found = [(i, f"name {i}", i * 7, f"{i:036}") for i in range(500)]
    checksum = checksum_of(found)
    shuffled = random.Random(1).sample(found, len(found))

    assert checksum_of(shuffled) == checksum
    assert checksum_of(shuffled[:200], shuffled[200:]) == checksum
    for other in (
        found[1:],
        [*found, found[0]],
        [(0, "nam", 0, f"{0:036}"), *found[1:]],
        [(0, "name 0\x00", 0, f"{0:036}"), *found[1:]],
        [(1, "name 0", 0, f"{0:036}"), (0, "name 1", 7, f"{1:036}"), *found[2:]],
    ):
        assert checksum_of(other) != checksum


def test_the_checksum_has_not_changed_between_releases():
    # Old manifests contain these values.
    assert checksum_of([]) == "0000000000000000"
    assert checksum_of([(1, "Ana", 1_600_000_000_000_000, "a" * 36)]) == GOLDEN


def plain_checksum(found):
    """The definition in the module's docstring, word for word."""
    mask, golden, total = 2**64 - 1, 0x9E3779B97F4A7C15, 0

    def mix(x):
        for _ in range(2):
            x ^= x >> 32
            x = x * 0xD6E8FEB86659FD93 & mask
        return x ^ x >> 32

    def text(value):
        raw = value.encode()
        h = len(raw)
        for at in range(0, len(raw), 8):
            h = (h ^ int.from_bytes(raw[at : at + 8], "little")) * golden & mask
            h ^= h >> 29
        return h

    for row in found:
        h = 0
        for value in row:
            number = text(value) if isinstance(value, str) else clamped(value) & mask
            h = mix((h + golden + number) & mask)
        total = (total + h) & mask
    return f"{total:016x}"


@given(ROWS)
@settings(max_examples=100)
def test_the_checksum_matches_its_definition(found):
    assert checksum_of(found) == plain_checksum(found)


def checksum_of(*parts):
    checksum = Checksum(FILE.by_field)
    for part in parts:
        checksum.add(chunk(part))
    return checksum.hexadecimal


GOLDEN = "2ba6940acab88bc5"


@pytest.mark.parametrize("codec", [name for name in codecs.CODECS if name != "null"])
def test_damaged_blocks_are_refused(codec):
    found = codecs.of(codec)
    packed = found.pack(memoryview(random.Random(1).randbytes(1000) * 20))

    for damaged in (packed[:-5], packed[: len(packed) // 2], b"", b"\xff" * 40):
        with pytest.raises(AvroError) as caught:
            codecs.unpacked(found, damaged)
        assert caught.value.code == "damaged"


def test_a_block_that_unpacks_beyond_the_limit_is_refused():
    for name in ("deflate", "snappy", "zstandard"):
        found = codecs.of(name)
        with pytest.raises(AvroError):
            codecs.unpacked(found, found.pack(memoryview(bytes(codecs.MAX_BLOCK_BYTES + 1))))


@given(st.binary(max_size=300), st.integers(1, 40))
@settings(max_examples=300)
def test_any_bytes_either_decode_or_are_refused_as_damaged(data, count):
    try:
        found = rows.decode(FILE, [Block(count, data)] * 30)
    except AvroError as error:
        assert error.code == "damaged"
    else:
        assert found.rows == 30 * count


@given(st.lists(st.uuids(), max_size=20))
def test_load_ids_are_formatted_as_python_formats_them(ids):
    written = uuid_texts(memoryview(b"".join(one.bytes for one in ids)))

    assert written.to_list() == [str(one) for one in ids]
    assert uuid_bytes(written, "").tobytes() == b"".join(one.bytes for one in ids)


@pytest.mark.parametrize("text", ["", "x" * 36, "7f0f8b0e5c0b4f439f0e2a4f1f6f8a10", "g" * 36])
def test_an_invalid_load_id_is_refused(text):
    with pytest.raises(AvroError, match="UUID"):
        uuid_bytes(Texts.of([text.encode()]), "Not a UUID.")


@given(st.lists(LONGS.map(clamped), max_size=50))
def test_varints_have_the_length_that_avro_specifies(values):
    written = varints.write(np.array(values, np.int64))

    def size(value):
        return max(1, -(-((value << 1) ^ (value >> 63)).bit_length() // 7))

    assert written.lengths.tolist() == [size(value) for value in values]
