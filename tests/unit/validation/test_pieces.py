"""Validating a file in pieces gives the same result as validating it whole."""

import csv
import gzip
import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from shared import tables
from shared.errors import UnreadableFile
from shared.validation import csv_reader, csv_rows, pieces
from shared.validation.csv_reader import Chunk
from tests.support.csv_files import Trickle, staged

HIRES = tables.find("hired_employees")
MAX = 300
CELLS = st.sampled_from(
    ["1", "77", "Ann", "", 'a"b', "a\nb", "a\r\nb", '"', "2021-07-27T16:02:08Z", "x" * 350, "\x00"]
)
ROWS = st.lists(st.lists(CELLS, min_size=0, max_size=6), max_size=30)
LINES = st.lists(
    st.sampled_from(
        [
            "1,Ann,2021-07-27T16:02:08Z,2,3",
            '2,"Bo\nDay",2021-07-27T16:02:08Z,2,3',
            '3,"never closed,2021-07-27T16:02:08Z,2,3',
            '4,"closed"wrongly,2021-07-27T16:02:08Z,2,3',
            "5,Cy" + "y" * 400,
            '"' + "z" * 400,
            "",
        ]
    ),
    max_size=30,
)


SIZES = st.one_of(st.integers(20, 400), st.just(1 << 20))


def flat(blocks):
    """The staged lines, sorted, the rejects and the counts, wherever one block ends."""
    found = list(blocks)
    rejects = [asdict(reject) for block in found for reject in block.rejects]
    counts = (sum(block.read for block in found), sum(block.shaped for block in found))
    good = sorted(row for block in found for row in staged(HIRES, block))
    return good, rejects, counts


def whole(content):
    return flat(csv_rows.blocks(HIRES, io.BytesIO(content), MAX))


def cut(content, size, most=1 << 20):
    shape, found = pieces.cut(HIRES, Trickle(content, most), MAX, size)
    validated = (pieces.validate(HIRES, shape, piece, MAX) for piece in found)
    packed = [pieces.packed(block) for blocks in validated for block in blocks]
    return flat(csv_rows.whole_file(HIRES, shape, map(pieces.unpacked, packed)))


def chunk_sizes(piece):
    """The bytes of each of a piece's chunks."""
    found = msgspec.msgpack.decode(piece, type=list[Chunk])
    return [len(chunk.data) for chunk in found]


def verdict(validate, *arguments):
    try:
        return validate(*arguments)
    except UnreadableFile as error:
        return error.code, error.facts


@settings(max_examples=400)
@given(rows=ROWS, size=st.integers(1, 400), most=SIZES, quoting=st.sampled_from([0, 1]))
def test_pieces_hold_the_same_rows_as_the_file(rows, size, most, quoting):
    sink = io.StringIO()
    csv.writer(sink, quoting=quoting).writerows(rows)
    content = sink.getvalue().encode()

    assert verdict(cut, content, size, most) == verdict(whole, content)


@settings(max_examples=400)
@given(text=LINES, size=st.integers(1, 400), most=SIZES, end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_broken_quoting_is_split_where_the_reader_recovers(text, size, most, end):
    content = end.join(text).encode()

    assert verdict(cut, content, size, most) == verdict(whole, content)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_header_applies_to_every_piece(pack):
    row = b"2,3,Ann,2021-07-27T16:02:08Z,1\n"
    content = pack(b"department_id,job_id,name,datetime,id\n" + row * 10)

    good, rejects, counts = cut(content, 40)

    assert ("2", "1", "Ann", "2021-07-27T16:02:08Z", "2", "3") in good
    assert ("11", "1", "Ann", "2021-07-27T16:02:08Z", "2", "3") in good
    assert rejects == []
    assert counts == (10, 10)


def test_a_piece_is_about_as_large_as_asked_and_its_chunks_no_larger_than_a_files():
    row = b"2,Ann,2021-07-27T16:02:08Z,1,1\n"
    content = row * (3 * csv_reader.CHUNK_BYTES // len(row))

    _, small = pieces.cut(HIRES, Trickle(content, 10_000), MAX, 100_000)
    _, large = pieces.cut(HIRES, Trickle(content, 100_000), MAX)

    sizes = [sum(chunk_sizes(piece)) for piece in small]
    assert len(sizes) > 20
    assert all(100_000 <= size < 120_000 for size in sizes[:-1])
    (chunks,) = map(chunk_sizes, large)
    assert max(chunks) <= csv_reader.CHUNK_BYTES
    assert len(chunks) < 10


def test_removing_line_numbers_changes_nothing_else():
    text = b"12\t1\t5 12\\n7\t2\n13\t2\ta\rb\t3\n"

    assert pieces.unnumbered(text) == b"1\t5 12\\n7\t2\n2\ta\rb\t3\n"
