"""Files that are made to hurt: turned away or loaded in little memory and in linear time."""

import gzip
import io
import time
from dataclasses import replace

import pytest

from shared import tables
from shared.errors import UnreadableFile
from shared.validation.csv_reader import CHUNK_BYTES
from shared.validation.csv_rows import BLOCK_CHARACTERS, blocks

JOBS = tables.find("jobs")
LIMIT = 1 << 20


def judged(content: bytes, limit: int = LIMIT) -> tuple[int, list[tuple[int, str]]]:
    """How many rows were staged, and where and why the others were turned away."""
    staged, rejects = 0, []
    for block in blocks(JOBS, io.BytesIO(content), limit):
        staged += "".join(block.staged).count("\n")
        rejects += [(reject.position, reject.reason) for reject in block.rejects]
    return staged, rejects


def seconds(lines: int) -> float:
    content = b"1,Welder\n" + b'x","y\n' * lines
    started = time.process_time()
    staged, rejects = judged(content)
    assert (staged, len(rejects)) == (1, lines)
    return time.process_time() - started


def test_rows_that_each_leave_a_quotation_mark_open_are_read_once():
    seconds(1000)

    # Read to the end for each of them, eight times the rows took 60 times as long.
    assert seconds(40_000) < 25 * seconds(5_000)


def test_a_row_that_goes_over_lines_is_found_behind_one_that_never_ends():
    content = b'1,A\n2,"open\n3,B\n4,"two\nlines"\n5,"x"y\n6,"C"\n'

    assert judged(content) == (4, [(2, "bad_quoting"), (6, "bad_quoting")])


def test_open_marks_across_chunks_give_the_lines_behind_them_back():
    filler = b'7,"v"\n' * (CHUNK_BYTES // 6)
    content = b'1,A\n2,"open\n' + b"3,B\n" * 10 + b'x","y\n' * 10 + filler + b'8,"two\nlines"\n'

    staged, rejects = judged(content)

    assert staged == 1 + 10 + CHUNK_BYTES // 6 + 1
    assert rejects == [(2, "bad_quoting")] + [(13 + n, "bad_quoting") for n in range(10)]


def test_rows_of_nothing_but_commas_do_not_gather():
    content = b"1,Welder\n" + (b"," * 100_000 + b"\n") * 40

    found = list(blocks(JOBS, io.BytesIO(content), LIMIT))

    # Each of its empty cells takes eight bytes of a list; what was read at once is judged at once.
    most = max(len(block.rejects) for block in found)
    assert most * 100_001 * 8 < BLOCK_CHARACTERS + 8 * CHUNK_BYTES
    assert sum(block.read for block in found) == 41


def test_of_a_hundred_thousand_columns_the_report_names_a_few():
    header = b"id," + b",".join(b"c%d" % number for number in range(100_000))

    with pytest.raises(UnreadableFile, match="99980 more unknown") as caught:
        judged(header + b"\n1,x\n")

    assert caught.value.code == "header_drifted"
    assert len(str(caught.value)) < 2000
    assert len(caught.value.facts["unknown"]) == 20


def test_a_row_of_a_hundred_thousand_columns_is_turned_away_by_itself():
    assert judged(b"1,Welder\n" + b"2," * 100_000 + b"\n3,Tester\n") == (
        2,
        [(2, "too_many_fields")],
    )


def test_a_gzip_file_that_unpacks_to_more_than_is_taken_fails_with_what_to_do(drop, lying, uploads):
    uploads.settings = replace(uploads.settings, max_unpacked_bytes=1_000_000)

    entry = drop("jobs-bomb.csv.gz", gzip.compress(b"1,Welder\n" * 200_000))

    assert (entry.state, entry.error["code"]) == ("failed", "too_large")
    assert "MAX_UNPACKED_BYTES" in entry.error["detail"]
    assert lying("uploads") == []


def test_a_header_with_a_nul_fails_the_file_and_not_the_ledger(drop, lying, rows):
    entry = drop("jobs.csv", b"id,job\x00,=cmd\n1,Welder,x\n")

    assert entry.state == "failed"
    assert entry.error["code"] == "header_drifted"
    assert lying("uploads") == []
    assert lying("failed") == ["jobs.csv", "jobs.csv.report.json"]
    assert rows("select error->'unknown'->>0 from loads") == [("job\u2400",)]
