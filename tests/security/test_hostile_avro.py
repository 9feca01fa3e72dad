"""Hostile Avro files are refused before a few bytes expand to many."""

import io
import json
import zlib

import cramjam
import fastavro
import pytest

from shared.backups.errors import UnusableBackup
from tests.security.avro_files import ROW, block, header, number, record, restored, text
from tests.support.cpu_time import least_cpu_seconds

# Whatever expanded one of these files would take longer.
pytestmark = pytest.mark.timeout(120)

HUGE = 1 << 40
EMPTY = {"type": "record", "name": "Empty", "fields": []}


def refused(content: object, **options: int) -> UnusableBackup:
    with pytest.raises(UnusableBackup) as caught:
        restored(content, **options)
    return caught.value


def doubling(times: int) -> list[object]:
    """Empty records, each contained twice in the next."""
    found: list[object] = ["null"]
    for step in range(times):
        kind = found[-1] if step == 0 else f"N{step - 1}"
        fields = [{"name": name, "type": kind} for name in "ab"]
        found.append({"type": "record", "name": f"N{step}", "fields": fields})
    return found


def chained(times: int) -> list[object]:
    """Records that each contain the previous one."""
    found: list[object] = [
        {"type": "record", "name": "N0", "fields": [{"name": "a", "type": "long"}]}
    ]
    for step in range(1, times):
        fields = [{"name": "a", "type": f"N{step - 1}"}]
        found.append({"type": "record", "name": f"N{step}", "fields": fields})
    return found


@pytest.mark.parametrize(
    ("more", "row"),
    [
        ([["null", "Job"]], (ROW + number(1)) * 1_000_000 + ROW + number(0)),
        ([{"type": "array", "items": "Job"}], ROW + number(0)),
        ([{"type": "array", "items": "null"}], ROW + number(HUGE) + number(0)),
        ([{"type": "array", "items": EMPTY}], ROW + number(HUGE) + number(0)),
        ([{"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}], ROW),
        ([{"type": "array", "items": {"type": "fixed", "name": "F", "size": -1}}], ROW),
        (doubling(30), ROW),
        ([{"type": "map", "values": doubling(8)[-1]}, *doubling(8)[1:]], ROW),
        (chained(300), ROW + number(1)),
        (["null"] * 500, ROW),
    ],
    ids=lambda value: None if isinstance(value, bytes) else json.dumps(value)[:50],
)
def test_a_schema_that_amplifies_few_bytes_is_refused(more, row):
    assert refused(header(record(*more)) + block(1, row)).code == "wrong_schema"


@pytest.mark.parametrize(
    "schema",
    [
        b"[" * 100_000,
        b"[" * 900 + b"]" * 900,
        b'{"type":' * 90 + b'"record"' + b"}" * 90,
        b'{"type": "record", "name": "R", "fields": 7}',
        b'{"type": "record", "name": "R", "fields": [{"name": "id"}]}',
        b'{"type": "record", "name": "../R", "fields": []}',
        b'{"type": "record", "name": "R", "fields": [{"name": "id", "type": "Unknown"}]}',
        b'{"type": "record", "name": "R", "fields": [{"name": "id", "type": []}]}',
        b'{"type": "record", "name": "R", "fields": [{"name": "\\ud800", "type": "long"}]}',
        b'{"type": "fixed", "name": "R", "size": 1e999}',
        b"1" * 5000,
        b"\xff",
        b"",
    ],
)
def test_an_invalid_schema_is_refused(schema):
    assert refused(header(schema) + block(1, ROW)).code in {"damaged", "wrong_schema"}


@pytest.mark.parametrize("union", [["null", "string"], ["long"]])
def test_extra_fields_are_allowed_if_they_do_not_amplify(union):
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 10**9, "scale": 10**8}
    nested = {
        "type": "record",
        "name": "Address",
        "namespace": "elsewhere",
        "fields": [{"name": "lines", "type": {"type": "array", "items": ["null", "string"]}}],
    }
    more = [union, decimal, nested, ["null", "elsewhere.Address"], {"type": "map", "values": "int"}]
    first = number(1) + text(b"a") if "null" in union else number(0) + number(7)

    def cpu_seconds(size_bytes: int) -> float:
        digits = text(b"\x7f" * size_bytes)
        row = ROW + first + digits + number(0) + number(0) + number(0)
        content = header(record(*more)) + block(1, row)
        return least_cpu_seconds(lambda: counts.append(restored(content)))

    counts: list[tuple[int, int]] = []

    # Parsed as a decimal, 8 times the digits would take 64 times as long.
    assert cpu_seconds(200_000) < 25 * cpu_seconds(25_000)
    assert set(counts) == {(1, 0)}


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        (block(-1, ROW), "damaged"),
        (block(HUGE, ROW), "damaged"),
        (block(2, ROW), "damaged"),
        (block(1, ROW + b"x"), "damaged"),
        (block(1, ROW) + block(0, ROW), "damaged"),
        (block(1, ROW, sync=b"T" * 16), "damaged"),
        (block(1, ROW)[:-1], "truncated"),
        (number(1) + number(-5) + ROW, "damaged"),
        (number(1) + number(HUGE) + ROW, "too_large"),
        (number(1) + b"\xff" * 11, "damaged"),
        (block(1, number(1) + number(HUGE) + b"x"), "damaged"),
        (block(1, number(1) + number(-9) + b"x"), "damaged"),
        (block(1, number(1) + text(b"\xff\xfe")), "damaged"),
        (block(200_000, b"\x00\x00" * 200_000), "bad_rows"),
    ],
)
def test_blocks_with_wrong_counts_or_sizes_are_refused(blocks, code):
    assert refused(header(record()) + blocks).code == code


@pytest.mark.parametrize("place", [0, 15, 29])
@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["id", "job"], [number(1), b"", ROW[:-1], ROW + b"\x00"]),
        (["job", "id"], [text(b"Welder"), b"", text(b"Welder") + b"\x80", b"\x0c"]),
    ],
)
def test_a_truncated_row_is_found_in_any_block(names, rows, place):
    kinds = {"id": "long", "job": "string"}
    fields = [{"name": name, "type": kinds[name]} for name in names]
    start = header(json.dumps({"type": "record", "name": "Job", "fields": fields}).encode())
    whole = number(1) + text(b"Welder") if names[0] == "id" else text(b"Welder") + number(1)

    # This many blocks are decoded in bulk.
    assert restored(start + 30 * block(1, whole)) == (30, 0)
    for row in rows:
        found = refused(start + b"".join(block(1, row if n == place else whole) for n in range(30)))
        assert found.code == "damaged"


@pytest.mark.parametrize(
    ("codec", "packed"), [(b"null", b""), (b"deflate", b""), (b"deflate", b"\x03\x00")]
)
def test_empty_blocks_are_skipped(codec, packed):
    assert restored(header(record(), codec) + 2 * block(0, packed)) == (0, 0)


def deflated(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


BOMBS = {
    b"deflate": deflated(256 << 20),
    b"zstandard": bytes(cramjam.zstd.compress(bytes(256 << 20), 3)),
    b"snappy": bytes(cramjam.snappy.compress_raw(bytes(64 << 20))) + b"abcd",
    b"null": bytes(2 << 20),
}


@pytest.mark.parametrize("codec", BOMBS, ids=bytes.decode)
def test_a_block_that_unpacks_beyond_the_limit_is_too_large(codec):
    content = header(record(), codec) + block(1, BOMBS[codec])

    error = refused(content, max_block_bytes=1 << 20)

    assert error.code == "too_large"
    assert "MAX_BLOCK_BYTES" in str(error)


@pytest.mark.parametrize("codec", BOMBS, ids=bytes.decode)
@pytest.mark.parametrize("packed", [b"", b"\x00", b"\xff" * 40, b"(\xb5/\xfd" + bytes(9)])
def test_a_block_that_cannot_be_unpacked_is_damaged(codec, packed):
    assert refused(header(record(), codec) + block(1, packed)).code in {"damaged", "too_large"}


class Endless:
    """A header whose entries never end."""

    def __init__(self) -> None:
        self.buffer = b"Obj\x01" + number(HUGE)
        self.sent = 0

    def read(self, size: int, /) -> bytes:
        while len(self.buffer) < size:
            self.buffer += text(b"key%d" % self.sent) + text(bytes(1 << 20))
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        self.sent += len(found)
        return found


def test_an_endless_header_is_refused_early():
    endless = Endless()

    assert refused(endless).code == "damaged"
    assert endless.sent < 16 << 20


def test_a_block_of_many_rows_is_read_in_chunks():
    sink = io.BytesIO()
    rows = [{"id": n, "job": "J"} for n in range(1, 120_001)]
    fastavro.writer(sink, json.loads(record()), rows, sync_interval=1 << 30)

    assert restored(sink.getvalue()) == (120_000, 0)
