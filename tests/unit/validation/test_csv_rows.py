"""CSV files as people really write them."""

import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import tables
from shared.errors import UnreadableFile
from shared.tables import Integer, Row, Table
from shared.validation import csv_reader, csv_rows
from tests.support.csv_files import MAX, Trickle, staged, validated

HIRES = tables.find("hired_employees")
JOBS = tables.find("jobs")


def unreadable(table, content, max_line_bytes=MAX):
    with pytest.raises(UnreadableFile) as caught:
        validated(table, content, max_line_bytes)
    return caught.value


PLAIN = b"1,Welder\n2,Tester\n"
ROWS = [("1", "1", "Welder"), ("2", "2", "Tester")]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.rstrip(),
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + PLAIN,
        gzip.compress(PLAIN),
        gzip.compress(b"1,Welder\n") + gzip.compress(b"2,Tester\n"),
        b'1,"Welder"\n"2",Tester\n',
    ],
    ids=["lf", "no-end", "crlf", "cr", "bom", "gzip", "gzip-members", "quoted"],
)
def test_every_encoding_of_the_same_rows_reads_the_same(content):
    assert validated(JOBS, content) == (ROWS, [])


@pytest.mark.parametrize("header", [b"id,job", b"JOB,Id", b" job , id ", b"\xef\xbb\xbfid,job"])
def test_a_header_sets_the_column_order(header):
    swapped = b"job" in header.lower().split(b",")[0]
    rows = b"Welder,1\nTester,2\n" if swapped else PLAIN

    staged, rejects = validated(JOBS, header + b"\r\n" + rows)

    assert [row[1:] for row in staged] == [("1", "Welder"), ("2", "Tester")]
    assert [row[0] for row in staged] == ["2", "3"]
    assert rejects == []


def test_good_and_bad_rows_below_a_header_in_another_order_are_told_apart():
    staged, rejects = validated(JOBS, b'job,id\na,1\nb\\,2\nc,x\n"d",4\ne,5\nf\n')

    assert sorted(staged) == [
        ("2", "1", "a"),
        ("3", "2", "b\\\\"),
        ("5", "4", "d"),
        ("6", "5", "e"),
    ]
    assert rejects == [(4, "id", "not_an_integer"), (7, "_row", "too_few_fields")]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"id,name,datetime,job_id,departmentid", "did 'departmentid' mean 'department_id'"),
        (b"id,name,datetime,department_id", "missing: 'job_id'"),
        (b"id,name,datetime,department_id,job_id,job_id", "doubled: 'job_id'"),
        (b"id,name,datetime,department_id,job_id,salary", "unknown: 'salary'"),
    ],
)
def test_a_file_with_a_drifted_header_is_never_loaded_by_position(header, message):
    error = unreadable(HIRES, header + b"\n1,x,2021-01-01T00:00:00Z,1,2\n")

    assert error.code == "header_drifted"
    assert message in str(error)


def test_a_first_row_with_an_integer_is_data_not_a_header():
    assert validated(JOBS, b"5,job\n")[0] == [("1", "5", "job")]


@pytest.mark.parametrize("header", [b"", b"id\n", b"id,_line\n"])
def test_a_blank_line_is_no_row_though_the_table_have_one_column(header):
    class Number(Row):
        """A number."""

        id = Integer(minimum=1)

    note = b"," if b"_" in header else b""
    lines = [b"5", b"", b"7", b"", b"0", b'"8"', b"", b'""']
    content = header + b"\n".join(line and line + note for line in lines)

    staged, rejects = validated(Table("numbers", Number), content)

    before = bool(header)
    assert [(int(line) - before, number) for line, number in sorted(staged)] == [
        (1, "5"),
        (3, "7"),
        (6, "8"),
    ]
    assert [(line - before, code) for line, _, code in rejects] == [
        (5, "out_of_range"),
        (8, "missing"),
    ]


def test_quoted_newlines_count_as_lines():
    staged, rejects = validated(JOBS, b'1,"a\nb\r\nc"\n\nx,y\n2,z\n')

    assert staged == [("1", "1", "a\\nb\\r\\nc"), ("6", "2", "z")]
    assert rejects == [(5, "id", "not_an_integer")]


def test_a_row_with_the_wrong_number_of_fields_is_rejected_and_the_others_load():
    staged, rejects = validated(JOBS, b"1,a\n2\n3,b,c\n4,d\n")

    assert [row[1] for row in staged] == ["1", "4"]
    assert rejects == [(2, "_row", "too_few_fields"), (3, "_row", "too_many_fields")]


@pytest.mark.parametrize("stray", [b'2,"open', b'2,"x"y', b'"2,x'])
def test_a_stray_quotation_mark_rejects_only_its_own_line(stray):
    staged, rejects = validated(JOBS, b"1,a\n" + stray + b'\n3,"b"\n4,c"d\n')

    assert staged == [("1", "1", "a"), ("3", "3", "b"), ("4", "4", 'c"d')]
    assert rejects == [(2, "_row", "bad_quoting")]


def test_a_line_over_the_limit_is_rejected_without_being_buffered():
    staged, rejects = validated(
        JOBS, b"1,a\n2," + b"x" * 3_000_000 + b"\n3,b\n", max_line_bytes=1000
    )

    assert [row[1] for row in staged] == ["1", "3"]
    assert [(line, code) for line, _, code in rejects] == [(2, "row_too_long")]
    assert staged[1][0] == "3"


def test_an_open_quotation_mark_does_not_swallow_a_large_file():
    content = b'1,"open\n' + b"2,b\n" * 300_000

    staged, rejects = validated(JOBS, content, max_line_bytes=10_000)

    assert len(staged) == 300_000
    assert rejects == [(1, "_row", "bad_quoting")]


def test_many_stray_quotation_marks_are_read_in_linear_time():
    content = b'1,"open\n2,b\n' * 20_000

    staged, rejects = validated(JOBS, content)

    assert len(staged) == 20_000
    assert len(rejects) == 20_000


def test_nul_is_rejected_and_backslashes_are_escaped_for_copy():
    staged, rejects = validated(JOBS, b'1,a\\b\n2,"c\td"\n3,e\x00f\n')

    assert staged == [("1", "1", "a\\\\b"), ("2", "2", "c\\td")]
    assert rejects == [(3, "job", "nul_character")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"\xff\xfe1\x00,\x00", "not_utf8"),
        (b"\xffid,job\n1,a\n", "not_utf8"),
        (b"1,\xff\n2,\xe9\n", "not_utf8"),
        (b"1\n2\n", "wrong_columns"),
        (b"1;a\n2;b\n", "wrong_columns"),
        (gzip.compress(PLAIN * 1000)[:-9], "bad_gzip"),
        (b"\x1f\x8bnonsense", "bad_gzip"),
    ],
)
def test_a_file_that_is_not_csv_of_the_table_is_unreadable(content, code):
    assert unreadable(JOBS, content).code == code


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_byte_that_is_not_utf8_rejects_its_own_row_with_its_line(end):
    good = [b"%d,a" % n for n in range(1, 100_001)]
    between = [b'8,"\xff"', b"9,\xed\xa0\x80"]
    lines = [b"7,caf\xe9", *good[:50_000], *between, *good[50_000:], b"0,\xe9"]

    staged, rejects = validated(JOBS, end.join(lines))

    assert sorted(int(row[1]) for row in staged) == list(range(1, 100_001))
    assert rejects == [(line, "_row", "not_utf8") for line in (1, 50_002, 50_003, len(lines))]


def test_what_may_be_a_header_in_another_encoding_is_not_passed_over():
    error = unreadable(JOBS, "größe,id\n1,2\n".encode("latin-1"))

    assert (error.code, error.facts) == ("not_utf8", {"line": 1})


def test_a_file_with_only_a_header_has_no_rows():
    assert validated(JOBS, b"id,job\n") == ([], [])


def test_only_a_corrections_file_is_unshielded():
    corrections = b"id,job,_line,_reasons\n1,'=cmd,7,whatever\n2,''x,8,\n"

    assert [row[2] for row in validated(JOBS, corrections)[0]] == ["=cmd", "'x"]
    assert validated(JOBS, b"1,'=cmd\n")[0] == [("1", "1", "'=cmd")]


def test_blocks_have_a_maximum_size():
    content = b"".join(b"%d,%b\n" % (i, b"x" * 900) for i in range(1, 10_001))

    sizes = [block.size for block in csv_rows.blocks(JOBS, io.BytesIO(content), MAX)]

    assert len(sizes) > 1
    assert max(sizes) < csv_rows.BLOCK_BYTES + csv_reader.CHUNK_BYTES


def test_blocks_of_rejected_rows_have_a_maximum_size_too():
    content = b"1,a\n" + b"0,%b\n" % (b"x" * 900) * 9000

    found = list(csv_rows.blocks(JOBS, io.BytesIO(content), MAX))

    assert sum(len(block.rejects) for block in found) == 9000
    assert max(len(block.rejects) for block in found) < 4500


LINES = st.sampled_from(
    [
        "1,a",
        "2,b",
        "0,c",
        '3,"d"',
        '4,"e',
        'f"',
        "g,h,i",
        "",
        '5,"j"k',
        '"',
        "6,l\\",
        "7," + "m" * 20,
    ]
)


@settings(max_examples=150)
@given(st.lists(LINES, max_size=15), st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 40))
def test_the_rows_of_a_file_are_the_same_however_its_bytes_arrive(lines, end, most):
    content = end.join(["1,first", *lines]).encode()

    def read(stream):
        found = list(csv_rows.blocks(JOBS, stream, 20))
        return (
            sorted(row for block in found for row in staged(JOBS, block)),
            [(r.position, r.raw, r.errors) for block in found for r in block.rejects],
        )

    assert read(Trickle(content, most)) == read(io.BytesIO(content))


# Notes


def test_apostrophes_stay_in_every_file_without_notes():
    for content in (b"id,job\n1,'=cmd\n", b"job,id\n'=cmd,1\n", b'id,job\n1,"\'=cmd, a"\n'):
        ((_, _, job),) = validated(JOBS, content)[0]
        assert job.startswith("'=cmd")


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        # A file of corrections has its notes last, and what it was made of had none.
        (b"id,job,_line,_reasons\n1,'=a,b,7,Too many\n1,x,7,\n", ["1", "=a", "b"]),
        (b"id,job,_line,_reasons\n1,'=a\n1,x,7,\n", ["1", "=a"]),
        (b"_line,id,job\n7,1,'=a,b\n7,1,x\n", ["7", "1", "=a", "b"]),
    ],
)
def test_a_row_of_another_width_in_a_file_with_notes_is_kept_as_it_was(content, raw):
    (block,) = csv_rows.blocks(JOBS, io.BytesIO(content), MAX)

    assert [reject.raw for reject in block.rejects] == [raw]


# What a block counts


def test_a_block_counts_the_rows_that_have_the_tables_width():
    content = b'1,a\n2\n3,"b\n4,"c"\n0,d\n"5","e","f"\n\n'

    (block,) = csv_rows.blocks(JOBS, io.BytesIO(content), MAX)

    assert [(r.position, r.reason) for r in block.rejects] == [
        (2, "too_few_fields"),
        (3, "bad_quoting"),
        (5, "out_of_range"),
        (6, "too_many_fields"),
    ]
    assert (block.read, block.shaped) == (6, 3)


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(
    "content", [b"1,a\n2,b", b"job,id\na,1\nb,2\n", b'1,"a"\n2,b\\\n', b"1,a\r2,b\r"]
)
def test_staged_rows_start_with_their_line_if_they_are_numbered(content, numbered):
    (block,) = csv_rows.blocks(JOBS, io.BytesIO(content), MAX, numbered=numbered)

    first = 2 if content.startswith(b"job") else 1
    assert sorted(row[:-1] for row in staged(JOBS, block)) == [
        (str(first + n) if numbered else "", str(n + 1)) for n in range(2)
    ]


def test_a_line_that_was_cut_is_rejected_though_it_look_good_up_to_the_cut():
    staged, rejects = validated(JOBS, b"1,aa\n2,bbbbbb\n3,cc\n", max_line_bytes=5)

    assert [values[1] for values in staged] == ["1", "3"]
    assert rejects == [(2, "_row", "row_too_long")]


@pytest.mark.parametrize("first", [b"1,xxxxxxxx", b'1,"xxxxxxx'])
def test_a_first_row_that_is_wrong_is_rejected_like_any_other(first):
    staged, rejects = validated(JOBS, first + b"\n2,b\n", max_line_bytes=8)

    assert staged == [("2", "2", "b")]
    assert [(line, field) for line, field, _ in rejects] == [(1, "_row")]


@pytest.mark.parametrize(("rows", "expected"), [(b"1\n2\n3\n", 2), (b"1,a,b\n", 2)])
def test_a_file_without_a_row_of_the_tables_width_says_how_many_it_has(rows, expected):
    error = unreadable(JOBS, rows)

    assert error.code == "wrong_columns"
    assert error.facts == {"rows": rows.count(b"\n"), "expected": expected}
