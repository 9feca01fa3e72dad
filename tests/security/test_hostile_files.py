"""Hostile files are refused or loaded in little memory and in linear time."""

import gzip
import io
from dataclasses import replace

import pytest

from shared import tables
from shared.errors import UnreadableFile
from shared.validation.csv_reader import CHUNK_BYTES
from shared.validation.csv_rows import BLOCK_BYTES, blocks
from tests.support.cpu_time import least_cpu_seconds

JOBS = tables.find("jobs")
LIMIT = 1 << 20


def validated(content: bytes, limit: int = LIMIT) -> tuple[int, list[tuple[int, str]]]:
    """The number of staged rows, and the line and reason of each rejected row."""
    staged, rejects = 0, []
    for block in blocks(JOBS, io.BytesIO(content), limit):
        staged += block.copied().count(b"\n")
        rejects += [(reject.position, reject.reason) for reject in block.rejects]
    return staged, rejects


def cpu_seconds(lines: int) -> float:
    """The CPU time to validate so many lines with unclosed quotation marks."""
    content = b"1,Welder\n" + b'x","y\n' * lines

    def validate() -> None:
        staged, rejects = validated(content)
        assert (staged, len(rejects)) == (1, lines)

    return least_cpu_seconds(validate)


def test_rows_with_unclosed_quotation_marks_are_read_only_once():
    # When each was searched to the end of the file, 8 times the rows took 60 times as long.
    assert cpu_seconds(40_000) < 25 * cpu_seconds(5_000)


def test_a_multi_line_row_is_found_after_an_unclosed_one():
    content = b'1,A\n2,"open\n3,B\n4,"two\nlines"\n5,"x"y\n6,"C"\n'

    assert validated(content) == (4, [(2, "bad_quoting"), (6, "bad_quoting")])


def test_lines_after_unclosed_marks_are_recovered_across_chunks():
    filler = b'7,"v"\n' * (CHUNK_BYTES // 6)
    content = b'1,A\n2,"open\n' + b"3,B\n" * 10 + b'x","y\n' * 10 + filler + b'8,"two\nlines"\n'

    staged, rejects = validated(content)

    assert staged == 1 + 10 + CHUNK_BYTES // 6 + 1
    assert rejects == [(2, "bad_quoting")] + [(13 + n, "bad_quoting") for n in range(10)]


def test_rows_of_only_commas_do_not_accumulate():
    content = b"1,Welder\n" + (b"," * 100_000 + b"\n") * 40

    found = list(blocks(JOBS, io.BytesIO(content), LIMIT))

    # An empty cell takes eight bytes in a list, so one block must not hold many of these rows.
    most = max(len(block.rejects) for block in found)
    assert most * 100_001 * 8 < BLOCK_BYTES + 8 * CHUNK_BYTES
    assert sum(block.read for block in found) == 41


def test_the_report_names_only_a_few_of_a_hundred_thousand_columns():
    header = b"id," + b",".join(b"c%d" % number for number in range(100_000))

    with pytest.raises(UnreadableFile, match="99980 more unknown") as caught:
        validated(header + b"\n1,x\n")

    assert caught.value.code == "header_drifted"
    assert len(str(caught.value)) < 2000
    assert len(caught.value.facts["unknown"]) == 20


def test_a_row_of_a_hundred_thousand_columns_is_rejected_alone():
    assert validated(b"1,Welder\n" + b"2," * 100_000 + b"\n3,Tester\n") == (
        2,
        [(2, "too_many_fields")],
    )


def test_a_gzip_file_that_unpacks_beyond_the_limit_fails_with_a_remedy(drop, lying, uploads):
    uploads.settings = replace(uploads.settings, max_unpacked_bytes=1_000_000)

    entry = drop("jobs-bomb.csv.gz", gzip.compress(b"1,Welder\n" * 200_000))

    assert (entry.state, entry.error["code"]) == ("failed", "too_large")
    assert "MAX_UNPACKED_BYTES" in entry.error["detail"]
    assert lying("uploads") == []


def test_a_header_with_a_nul_fails_the_file_but_not_the_ledger_entry(drop, lying, rows):
    entry = drop("jobs.csv", b"id,job\x00,=cmd\n1,Welder,x\n")

    assert entry.state == "failed"
    assert entry.error["code"] == "header_drifted"
    assert lying("uploads") == []
    assert lying("failed") == ["jobs.csv", "jobs.csv.report.json"]
    assert rows("select error->'unknown'->>0 from loads") == [("job\u2400",)]


@pytest.mark.parametrize(
    ("content", "limit", "code"),
    [
        (gzip.compress(b"1,Welder\n" + b"x\n" * 60_000), {}, "too_many_rejects"),
        (gzip.compress(b"1,Welder\n" + b"x" * 5_000_000), {}, "bad_ratio"),
        (b"1,Welder\n", {"load_seconds": 0}, "too_slow"),
    ],
)
def test_a_file_beyond_the_limits_fails_whole_and_the_ledger_says_why(
    drop, lying, rows, uploads, content, limit, code
):
    uploads.settings = replace(uploads.settings, **limit)

    entry = drop("jobs-hostile.csv.gz", content)

    assert (entry.state, entry.error["code"]) == ("failed", code)
    assert rows("select state, error->>'code' from loads") == [("failed", code)]
    assert rows("select count(*) from jobs union all select count(*) from rejected_rows") == [
        (0,),
        (0,),
    ]
    assert lying("uploads") == []
    assert len(lying("failed")) == 2
