"""A file that costs more than any honest one fails as a whole; no honest one does."""

import gzip
import io
import random
import time

import pytest

from shared import tables
from shared.errors import UnreadableFile
from shared.validation.csv_reader import count_lines, read_lines
from shared.validation.csv_rows import blocks, whole_file
from shared.validation.header import Layout
from shared.validation.limits import FREE_REJECTS, RATIO_FROM_BYTES, Limits
from shared.validation.row import FieldError, Reject
from shared.validation.rows import Block
from tests.support.cpu_time import least_cpu_seconds

JOBS = tables.find("jobs")
PLENTY = 1 << 20
EMPTY = gzip.compress(b"")
SHAPE = Layout((0, 1), 2)
BLANK = Reject(7, {"id": "1", "job": ""}, (FieldError("job", "blank"),))


def lines(content: bytes, limits: Limits) -> int:
    """How many lines are read."""
    return sum(count_lines(chunk.data) for chunk in read_lines(io.BytesIO(content), PLENTY, limits))


def code_of(content: bytes, limits: Limits) -> str:
    """The code of the error."""
    with pytest.raises(UnreadableFile) as caught:
        for _ in blocks(JOBS, io.BytesIO(content), PLENTY, limits=limits):
            pass
    return caught.value.code


# Packed files


def test_a_packed_file_of_line_ends_is_given_up_early():
    packed = gzip.compress(b"1,a\n" + b"\n" * 20_000_000)
    assert len(packed) < 20_000

    found = 0
    with pytest.raises(UnreadableFile, match="more than 100 times its size") as caught:
        for chunk in read_lines(io.BytesIO(packed), PLENTY, Limits()):
            found += count_lines(chunk.data)

    assert caught.value.code == "bad_ratio"
    assert found <= RATIO_FROM_BYTES


def test_a_file_may_unpack_to_any_ratio_while_it_is_small():
    content = b"x" * (RATIO_FROM_BYTES - 1) + b"\n"

    assert lines(gzip.compress(content), Limits()) == 1
    assert code_of(gzip.compress(content + b"1"), Limits()) == "bad_ratio"


def test_rows_as_they_are_sent_stay_far_below_the_ratio():
    chosen = random.Random(1)
    content = b"".join(
        b"%d,Name %d,2021-07-27T16:02:08Z,%d,1\n" % (n, chosen.randrange(9999), n % 12)
        for n in range(1, 150_000)
    )
    assert len(content) > RATIO_FROM_BYTES

    assert lines(gzip.compress(content), Limits(max_unpacked_ratio=20)) == 149_999


def test_all_members_count_for_the_ratio():
    # A member that hardly shrinks does not pay for those before it.
    noise = gzip.compress(random.Random(1).randbytes(PLENTY).hex().encode())
    zeros = gzip.compress(b"1" * (RATIO_FROM_BYTES + 1))

    assert code_of(zeros + noise, Limits()) == "bad_ratio"
    assert lines(noise + zeros, Limits()) == 1


def test_the_members_of_a_packed_file_are_read_in_linear_time():
    def read(members: int) -> float:
        return least_cpu_seconds(lambda: lines(EMPTY * members, Limits()))

    # When what lies behind each was copied, 8 times the members took 60 times as long.
    assert read(40_000) < 25 * read(5_000)


@pytest.mark.parametrize("content", [b"1,a\n", gzip.compress(b"1,a\n"), EMPTY * 9])
def test_a_file_is_read_until_its_time_is_up(content):
    limits = Limits(until=time.monotonic() + 600)

    lines(content, limits)
    assert code_of(content, Limits(until=time.monotonic() - 1, load_seconds=300)) == "too_slow"


def test_time_is_looked_at_while_one_piece_unpacks():
    class Once(io.BytesIO):
        """A stream that takes the rest of the time when it is read."""

        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            time.sleep(max(0.0, limits.until - time.monotonic()) + 0.01)
            return found

    limits = Limits(until=time.monotonic() + 0.2)
    with pytest.raises(UnreadableFile) as caught:
        list(read_lines(Once(gzip.compress(b"1,a\n" * 9)), PLENTY, limits))
    assert caught.value.code == "too_slow"


# Rejects


def through(limits: Limits, *parts: tuple[int, int]) -> int:
    """Pass blocks of so many (good, bad) rows through the limits; the number that passed."""
    made = [Block(rejects=[BLANK] * bad, read=good + bad, shaped=good + bad) for good, bad in parts]
    return len(list(whole_file(JOBS, SHAPE, made, limits)))


def test_a_few_bytes_do_not_become_a_hundred_thousand_rejects():
    packed = gzip.compress(b"1,a\n" + b"x\n" * 100_000)
    assert len(packed) < 330

    with pytest.raises(UnreadableFile) as caught:
        found = blocks(JOBS, io.BytesIO(packed), PLENTY, limits=Limits(size_bytes=len(packed)))
        assert sum(len(block.rejects) for block in found) <= FREE_REJECTS

    error = caught.value
    assert error.code == "too_many_rejects"
    assert error.facts["maximum"] == FREE_REJECTS + len(packed) // 2
    assert error.facts["reasons"] == ["too_few_fields"]
    assert f"a file of {len(packed)} bytes may have {error.facts['maximum']}" in str(error)
    assert "Has 1 fields, but the table has 2" in str(error)


def test_a_history_of_ten_million_rows_with_five_percent_bad_ones_passes():
    spread = [(9_500, 500)] * 1000
    first = [(0, 10_000)] * 50 + [(10_000, 0)] * 950

    # Packed nine times, 60 bytes a row.
    limits = Limits(size_bytes=10_000_000 * 60 // 9)
    assert through(limits, *spread) == 1000
    assert through(limits, *first) == 1000


def test_a_file_of_only_bad_rows_passes_up_to_a_million():
    limits = Limits(size_bytes=60_000_000)

    assert through(limits, *[(0, 100_000)] * 10) == 10
    with pytest.raises(UnreadableFile, match="more than 50% rejected rows may have 1000000"):
        through(limits, *[(0, 100_000)] * 10, (0, 1))


def test_more_rejects_than_a_million_are_a_matter_of_their_share():
    half = [(100_000, 100_000)] * 20

    assert through(Limits(), *half) == 20
    with pytest.raises(UnreadableFile, match="2100001 of the first 4100001 rows"):
        through(Limits(), *half, (0, 100_001))
