"""CSV files as people really write them."""

import gzip
import io

import pytest

from shared import tables
from shared.errors import UnreadableFile
from shared.validation import csv_reader, csv_rows

HIRES = tables.find("hired_employees")
JOBS = tables.find("jobs")
MAX = 1 << 20


def validated(table, content, max_line_bytes=MAX):
    staged, rejects = [], []
    for block in csv_rows.blocks(table, io.BytesIO(content), max_line_bytes):
        rows = "".join(block.staged).split("\n")[:-1]
        assert block.read == len(rows) + len(block.rejects)
        staged += [tuple(row.split("\t")) for row in rows]
        rejects += [(r.position, r.errors[0].field, r.reason) for r in block.rejects]
    return staged, rejects


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
    content = b'1,"open\n' + b"2,b\n" * 400_000

    staged, rejects = validated(JOBS, content, max_line_bytes=10_000)

    assert len(staged) == 400_000
    assert rejects == [(1, "_row", "bad_quoting")]


def test_many_stray_quotation_marks_are_read_in_linear_time():
    content = b'1,"open\n2,b\n' * 50_000

    staged, rejects = validated(JOBS, content)

    assert len(staged) == 50_000
    assert len(rejects) == 50_000


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
        (b"1,a\n" * 300_000 + b"\xff\n", "not_utf8"),
        (b"1\n2\n", "wrong_columns"),
        (b"1;a\n2;b\n", "wrong_columns"),
        (gzip.compress(PLAIN * 1000)[:-9], "bad_gzip"),
        (b"\x1f\x8bnonsense", "bad_gzip"),
    ],
)
def test_a_file_that_is_not_csv_of_the_table_is_unreadable(content, code):
    assert unreadable(JOBS, content).code == code


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
    assert max(sizes) < csv_rows.BLOCK_CHARACTERS + csv_reader.CHUNK_BYTES
