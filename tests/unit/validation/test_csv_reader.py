"""A file's lines and rows are the same however its bytes arrive, and however it is packed."""

import csv
import gzip
import io
import random
import re
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import UnreadableFile
from shared.validation.csv_reader import (
    Chunk,
    Record,
    Records,
    count_lines,
    read_lines,
    without_end,
)
from shared.validation.limits import Limits
from shared.validation.row import FieldError
from tests.support.csv_files import Trickle

PLENTY = 1 << 20


def lines(content, max_bytes=PLENTY, *, most=PLENTY, **limits):
    """Number, text and whether it was cut, of each line."""
    chunks = list(read_lines(Trickle(content, most), max_bytes, Limits(**limits)))
    split = [
        (chunk, [chunk.data] if chunk.cut else chunk.data.splitlines(keepends=True))
        for chunk in chunks
    ]
    assert all(count_lines(chunk.data) == len(found) for chunk, found in split)
    return [
        (number, line.decode(errors="replace"), chunk.cut)
        for chunk, found in split
        for number, line in enumerate(found, chunk.number)
    ]


def physical(text):
    """The lines of a text with their ends, by a pattern."""
    return [found for found in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)?", text) if found]


def error_of(content, **limits):
    with pytest.raises(UnreadableFile) as caught:
        lines(content, **limits)
    return caught.value


# Lines

TEXTS = st.lists(
    st.sampled_from(["a", "é", "😀", "b" * 5, "c" * 12, "\n", "\r", "\r\n", "\r\r", "\ufeff"]),
    max_size=30,
).map("".join)


@settings(max_examples=500)
@given(TEXTS, st.integers(1, 20), st.integers(1, 15), st.booleans())
def test_lines_are_the_texts_own_wherever_the_bytes_are_cut(text, most, max_bytes, packed):
    text = text.lstrip("\ufeff")
    content = gzip.compress(text.encode()) if packed else text.encode()
    # Two bytes say that a file is gzip.
    most = max(most, 2)

    found = lines(content, max_bytes, most=most)

    assert found == [
        (number, line[:max_bytes].decode(errors="replace"), len(line) > max_bytes)
        for number, line in enumerate(map(str.encode, physical(text)), 1)
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("most", [1, 2, 3, 7, 10, 11, 12, 13, 14, 100])
def test_a_line_too_long_costs_no_line_after_it(end, most):
    text = end.join(["1,a", "2," + "x" * 30, "3,b", "4," + "x" * 30, "5,c", "6,d"])

    found = lines(text.encode(), 8, most=most)

    assert [(number, cut) for number, _, cut in found] == [
        (1, False),
        (2, True),
        (3, False),
        (4, True),
        (5, False),
        (6, False),
    ]
    assert [line.rstrip("\r\n") for _, line, cut in found if not cut] == [
        "1,a",
        "3,b",
        "5,c",
        "6,d",
    ]
    assert {line for _, line, cut in found if cut} == {"2,xxxxxx", "4,xxxxxx"}


def test_a_line_as_long_as_allowed_is_whole():
    assert lines(b"abcd\nabc\nabcde", 4) == [
        (1, "abcd", True),
        (2, "abc\n", False),
        (3, "abcd", True),
    ]
    assert lines(b"abcd", 4) == [(1, "abcd", False)]


@pytest.mark.parametrize("most", [2, 4, 8, PLENTY])
def test_a_line_end_at_the_limit_belongs_to_its_line_wherever_the_bytes_are_cut(most):
    assert lines(b"abc\rde\nabc\nabc\r", 4, most=most) == [
        (1, "abc\r", False),
        (2, "de\n", False),
        (3, "abc\n", False),
        (4, "abc\r", False),
    ]


@pytest.mark.parametrize("most", [2, 3, 4, PLENTY])
def test_a_byte_order_mark_is_taken_off_the_beginning_only(most):
    content = "\ufeff1,a\n\ufeff2,b\n".encode()

    assert [line for _, line, _ in lines(content, most=most)] == ["1,a\n", "\ufeff2,b\n"]


@pytest.mark.parametrize(
    ("line", "byte", "text"),
    [
        (b"2,\xff", "0xff", "2,\\xff"),
        (b"2,caf\xe9,x", "0xe9", "2,caf\\xe9,x"),
        (b"2,\xc3", "0xc3", "2,\\xc3"),
        (b"2,\xed\xa0\x80", "0xed", "2,\\xed\\xa0\\x80"),
        (b'2,"a\xe9""b"', "0xe9", '2,"a\\xe9""b"'),
        (b'2,"a\n\xe9\nb"', "0xe9", '2,"a\n\\xe9\nb"'),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("most", [1, 5, PLENTY])
def test_a_byte_that_is_not_utf8_costs_its_own_row(line, byte, text, end, most):
    content = b"1,a\n" + line + end + (b'3,b\n4,"c"\n' if end else b"")
    records = Records(read_lines(Trickle(content, most), PLENTY), PLENTY)

    found = list(iter(records.read, None))

    assert found[0] == Record(1, ["1", "a"])
    assert found[1] == Record(2, [text], FieldError("_row", "not_utf8", {"byte": byte}))
    last = 3 + line.count(b"\n")
    later = [Record(last, ["3", "b"]), Record(last + 1, ["4", "c"])]
    assert found[2:] == (later if end else [])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a\n", "a"),
        ("a\r\n", "a"),
        ("a\r", "a"),
        ("a", "a"),
        ("a\n\n", "a\n"),
        ("a\r\r", "a\r"),
        ("a\n\r", "a\n"),
        ("", ""),
        ("\n", ""),
    ],
)
def test_a_line_loses_one_line_end(line, text):
    assert without_end(line.encode()) == text.encode()


# Packed files

NOISE = random.Random(15).randbytes(30_000).hex()


@pytest.mark.parametrize("most", [2, 5, 1000, 65_536, PLENTY])
def test_gzip_may_refer_back_as_far_as_gzip_allows(most):
    # The second half repeats the first from 30,000 bytes before, in each of two members.
    half = NOISE[:30_000]
    text = f"{half}\n{half}\n"
    member = gzip.compress(text.encode(), compresslevel=9)
    assert len(member) < 20_000

    found = lines(member + member, most=most)

    assert [line for _, line, _ in found] == [f"{half}\n"] * 4


@pytest.mark.parametrize("most", [2, 3, 7, 64, PLENTY])
@pytest.mark.parametrize("padding", [0, 1, 5, 600])
def test_zeros_between_and_after_packed_members_are_passed_over(most, padding):
    zeros = bytes(padding)
    content = gzip.compress(b"1,a\n") + zeros + gzip.compress(b"2,b\n") + zeros

    assert [line for _, line, _ in lines(content, most=most)] == ["1,a\n", "2,b\n"]


@pytest.mark.parametrize("most", [2, 64, PLENTY])
@pytest.mark.parametrize(
    "rest",
    [b"x", b"\x1f\x8b", b"\0\0x", gzip.compress(b"2,b\n")[:-1], zlib.compress(b"2,b\n")],
    ids=["text", "start", "zeros", "no-end", "zlib"],
)
def test_anything_else_after_a_packed_member_is_bad(most, rest):
    assert error_of(gzip.compress(b"1,a\n") + rest, most=most).code == "bad_gzip"


@pytest.mark.parametrize("lost", [1, 4, 8, 9, 20])
def test_a_packed_file_without_its_end_is_bad(lost):
    assert error_of(gzip.compress(b"1,a\n" * 100)[:-lost]).code == "bad_gzip"


def test_a_packed_file_whose_checksum_is_wrong_is_bad():
    content = bytearray(gzip.compress(b"1,a\n" * 100))
    content[-8] ^= 1

    assert error_of(bytes(content)).code == "bad_gzip"


def test_a_packed_file_may_unpack_to_the_limit_and_no_further():
    member = gzip.compress(b"1,a\n" * 1000)

    assert len(lines(member, max_unpacked_bytes=4000)) == 1000
    assert len(lines(member + member, max_unpacked_bytes=8000)) == 2000
    error = error_of(member, max_unpacked_bytes=3999)
    assert (error.code, error.facts) == ("too_large", {"maximum": 3999})
    # All members count together.
    assert error_of(member + member, max_unpacked_bytes=7999).code == "too_large"


def test_a_file_that_is_not_packed_has_no_such_limit():
    assert len(lines(b"1,a\n" * 1000, max_unpacked_bytes=10)) == 1000


# Rows


def rows(content, max_bytes=PLENTY, *, most=PLENTY):
    """The line of each row, with its cells or the code of its error; blank lines are skipped."""
    records = Records(read_lines(Trickle(content, most), max_bytes), max_bytes)
    found = []
    while (record := records.read()) is not None:
        if record.error is not None:
            assert record.error.field == "_row"
            assert len(record.cells) == 1
            found.append((record.line, record.error.code))
        elif record.cells:
            found.append((record.line, record.cells))
    return found


def one_by_one(text):
    """The same by trying from every line on: what a row costs that is never closed."""
    left, found, number = physical(text), [], 1
    while left:
        reader = csv.reader(iter(left), strict=True)
        try:
            cells, taken = next(reader), reader.line_num
        except csv.Error:
            cells, taken = "bad_quoting", 1
        if cells:
            found.append((number, cells))
        left, number = left[taken:], number + taken
    return found


CELLS = st.sampled_from(["", "1", "Ann", "a,b", 'say "hi"', "a\nb", "a\r\nb\n", '"', "é😀", "\\N"])
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=12)


@settings(max_examples=300)
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 40))
def test_rows_are_read_as_they_were_written(given_rows, end, all_quoted, most):
    sink = io.StringIO()
    style = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(sink, lineterminator=end, quoting=style).writerows(given_rows)

    found = rows(sink.getvalue().encode(), most=most)

    assert [cells for _, cells in found] == given_rows


WORDS = st.sampled_from(
    ["1,a", '2,"b"', '3,"open', 'closed",4', '5,"x"y', '"', '""', '"6",7', 'a"b', "", 'z","y', ","]
)


@settings(max_examples=500)
@given(st.lists(WORDS, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 40))
def test_a_wrong_quotation_mark_costs_its_own_line_only(words, end, most):
    text = end.join(words)

    assert rows(text.encode(), most=most) == one_by_one(text)


@pytest.mark.parametrize("most", [1, 5, 16, 17, 18, 19, 40, PLENTY])
def test_a_row_whose_mark_meets_a_line_too_long_costs_its_own_line(most):
    text = '1,"open\n2,b\n3,' + "x" * 50 + '\n4,"d"\n'

    assert rows(text.encode(), 16, most=most) == [
        (1, "bad_quoting"),
        (2, ["2", "b"]),
        (3, "row_too_long"),
        (4, ["4", "d"]),
    ]


def test_a_row_of_several_lines_may_be_as_long_as_one_line():
    text = '1,"aaaa\nbbbb"\n'

    assert rows(text.encode(), len(text)) == [(1, ["1", "aaaa\nbbbb"])]
    assert rows(text.encode(), len(text) - 1) == [(1, "bad_quoting"), (2, ['bbbb"'])]


@pytest.fixture
def python_limit():
    """Python's own limit on the length of a cell, whoever raised it before."""
    before = csv.field_size_limit(131_072)
    yield 131_072
    csv.field_size_limit(before)


def test_a_quoted_cell_may_be_longer_than_python_lets_it_be(python_limit):
    cell = "x" * (python_limit + 1)

    assert rows(f'1,"{cell}"\n'.encode()) == [(1, ["1", cell])]


def test_a_cell_may_be_as_long_as_a_line(python_limit):
    line = 'a"' + "x" * python_limit

    assert rows(line.encode(), len(line)) == [(1, [line])]


def test_the_lines_of_the_row_just_read_are_numbered():
    content = b'1,a\n2,"b\nc\nd"\n\n3,"e\n4,f\n'
    records = Records(read_lines(io.BytesIO(content), PLENTY), PLENTY)

    read = [records.last_read for _ in iter(records.read, None)]

    assert read == [
        [Chunk(b"1,a\n", 1)],
        [Chunk(b'2,"b\n', 2), Chunk(b"c\n", 3), Chunk(b'd"\n', 4)],
        [Chunk(b"\n", 5)],
        [Chunk(b'3,"e\n', 6)],
        [Chunk(b"4,f\n", 7)],
    ]


def test_reading_a_file_of_short_lines_leaves_pythons_limit_to_others(python_limit):
    rows(b'1,"a"\n', 100)

    assert csv.field_size_limit() == python_limit
