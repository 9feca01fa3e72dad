"""Most rows of a file are never shown to the rules, and none is taken that they would reject."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import tables
from shared.validation import csv_rows
from tests.support.csv_files import MAX, validated

HIRES = tables.find("hired_employees")
JOBS = tables.find("jobs")
GOOD = b"7,Ada,2021-07-27T16:02:08Z,1,2"


def hire(**changes):
    values = dict(zip(HIRES.names, GOOD.decode().split(","), strict=True))
    return ",".join({**values, **changes}.values()).encode()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "content",
    [
        [GOOD, GOOD, GOOD],
        [b"id,name,datetime,department_id,job_id", GOOD, GOOD],
        [b"job_id,name,datetime,department_id,id", GOOD, GOOD],
        [
            b'"7","Ada ""A"", C:\\","2024-02-29T00:00:00Z","1","2"',
            b'7,"Ada",2021-07-27T16:02:08Z,1,2',
        ],
        [GOOD, hire(datetime="2024-02-29T00:00:00Z"), hire(name="a\\b "), b"", GOOD],
        [b"id,name,datetime,department_id,job_id,_line", GOOD + b",7", GOOD + b","],
    ],
    ids=["plain", "header", "shuffled", "quoted", "encoded", "notes"],
)
def test_plainly_good_rows_are_taken_without_the_rules(asked, content, end):
    staged, rejects = validated(HIRES, end.join(content))

    assert rejects == []
    assert len(staged) == sum(line[:1] in b'"7' for line in content if line)
    assert asked == []


def test_each_plainly_good_line_is_recognised_however_many_there_are(asked):
    lines = ["1,a\n", "0,b\n", "2,c\n", '3,"d"\n', "4,e\\\n"] * 700
    good, rejects = validated(JOBS, "".join(lines).encode())

    assert sorted(int(row[0]) % 5 for row in good) == [0] * 700 + [1] * 700 + [3] * 700 + [4] * 700
    assert [line % 5 for line, _, _ in rejects] == [2] * 700
    assert asked == ["0"]


@pytest.mark.parametrize(
    ("field", "cell", "stored"),
    [
        ("id", "0000000000000000007", "7"),
        ("id", "9223372036854775807", "9223372036854775807"),
        ("datetime", "2021-01-01T01:00:00+02:00", "2020-12-31T23:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_only_the_rules_accept_is_stored_as_they_say_and_costs_one_question(
    asked, field, cell, stored, quoted, place
):
    lines = [GOOD] * 3
    lines[place] = hire(**{field: cell, "name": '"A, b"' if quoted else "Zoe"})
    at = HIRES.names.index(field)

    staged, rejects = validated(HIRES, b"\n".join(lines))

    assert rejects == []
    assert sorted(values[0] for values in staged) == ["1", "2", "3"]
    (values,) = [values for values in staged if values[0] == str(place + 1)]
    assert values[1 + at] == stored
    assert values[2] == ("A, b" if quoted else "Zoe")
    assert asked == [cell]


@pytest.mark.parametrize("name", ["Zoe", '"Zoe, Ann"'], ids=["bare", "quoted"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_row_is_rejected_with_all_its_errors_wherever_it_comes(asked, name, place):
    lines = [GOOD] * 3
    lines[place] = hire(id="0", name=name, datetime="2021-02-30T00:00:00Z", job_id="x")

    (block,) = csv_rows.blocks(HIRES, io.BytesIO(b"\n".join(lines)), MAX)

    (reject,) = block.rejects
    assert (reject.position, reject.reason) == (place + 1, "out_of_range")
    assert reject.raw == {
        "id": "0",
        "name": name.strip('"'),
        "datetime": "2021-02-30T00:00:00Z",
        "department_id": "1",
        "job_id": "x",
    }
    assert [(error.field, error.code) for error in reject.errors] == [
        ("id", "out_of_range"),
        ("datetime", "not_a_timestamp"),
        ("job_id", "not_an_integer"),
    ]
    assert (block.read, block.shaped) == (3, 3)
    assert asked == ["0", "2021-02-30T00:00:00Z", "x"]


def test_an_error_that_many_rows_share_is_asked_about_once(asked):
    staged, rejects = validated(HIRES, b"\n".join([GOOD, *[hire(job_id="none")] * 50]))

    assert len(staged) == 1
    assert rejects == [(line, "job_id", "not_an_integer") for line in range(2, 52)]
    assert asked == ["none"]


# Days and times that do not exist never reach COPY, which would refuse the whole load


@pytest.mark.parametrize(
    "moment",
    [
        "2021-02-29T00:00:00Z",
        "2021-02-30T00:00:00Z",
        "2021-02-31T00:00:00Z",
        "2021-04-31T00:00:00Z",
        "2021-11-31T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-01-32T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2021-01-01T24:00:00Z",
        "2021-01-01T00:60:00Z",
        "2021-01-01T00:00:60Z",
        "2021-01-01T00:00:00.1234567Z",
        "2021-01-01T00:00:00+24:00",
        "2021-01-01T00:00:00+00:60",
    ],
)
@pytest.mark.parametrize("quoted", [False, True], ids=["bare", "quoted"])
def test_a_moment_that_does_not_exist_costs_its_own_row_only(moment, quoted):
    cell = f'"{moment}"' if quoted else moment
    bad = hire(datetime=cell)

    staged, rejects = validated(HIRES, b"\n".join([bad, GOOD, bad, GOOD]))

    assert [values[0] for values in staged] == ["2", "4"]
    assert rejects == [(line, "datetime", "not_a_timestamp") for line in (1, 3)]


@pytest.mark.parametrize("text", ["C:\\temp", "a\\b", "\\N", "\\.", "\\"])
@pytest.mark.parametrize("quoted", [False, True], ids=["bare", "quoted"])
def test_a_backslash_reaches_copy_escaped_in_every_row(text, quoted):
    cell = f'"{text}"' if quoted else text

    staged, rejects = validated(JOBS, f"1,{cell}\n2,{cell}\n".encode())

    escaped = text.replace("\\", "\\\\")
    assert (staged, rejects) == ([("1", "1", escaped), ("2", "2", escaped)], [])


# However many lines are taken at once, each is judged as if it were alone

KINDS_OF_ROWS = (
    [b"%d,job %d" % (n, n) for n in range(1, 4)],
    [b"0,bad", b"x,bad", b"5", b"5,a,b", b"6,", b"7,caf\xe9"],
    [b'8,"a"', b'9,"a, b"', b'10,"a\nb"', b'11,"a\r\n12,b\r\n"', b'14,"x"y'],
    [b"", b"15,tab\t", b"16,back\\slash", b" 17,blank "],
)


def one_by_one(rows, end):
    """The verdicts on rows that are files of their own, with the lines they have in one file."""
    good, bad, line = [], [], 1
    for row in rows:
        text = row + end
        staged, rejects = validated(JOBS, b"1,a\n" + text)
        good += [(str(line), *cells) for _, *cells in staged[1:]]
        bad += [(line + at - 2, field, code) for at, field, code in rejects]
        line += len(text.splitlines())
    return good, bad


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.sampled_from(KINDS_OF_ROWS), st.integers(1, 60)), max_size=8),
    st.randoms(use_true_random=False),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.sampled_from([7, 100, 1 << 20]),
)
def test_rows_are_judged_alike_alone_and_among_others(kinds, chosen, end, most):
    rows = [chosen.choice(kind) for kind, times in kinds for _ in range(times)]
    content = b"1,a\n" + end.join([*rows, b""])

    good, bad = validated(JOBS, content)

    wanted, wrong = one_by_one(rows, end)
    assert good[1:] == [(str(int(line) + 1), *cells) for line, *cells in wanted]
    assert bad == [(line + 1, field, code) for line, field, code in wrong]


def test_rows_after_many_doubtful_ones_are_found_again(asked):
    rows = [b"0,bad"] * 40 + [b"1,a"] * 5000 + [b'2,"b"'] * 40 + [b"0,c"] * 3000 + [b"3,d"] * 9000

    good, bad = validated(JOBS, b"\n".join(rows))

    assert [cells for _, *cells in good] == (
        [["1", "a"]] * 5000 + [["2", "b"]] * 40 + [["3", "d"]] * 9000
    )
    assert [line for line, _, _ in bad] == [*range(1, 41), *range(5081, 8081)]
    assert set(asked) == {"0"}
