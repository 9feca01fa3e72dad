"""A file's first row: a header in any order, a header gone wrong, or data."""

import pytest

from shared import tables
from shared.errors import UnreadableFile
from shared.validation.header import Layout, layout

JOBS = tables.find("jobs")
HIRES = tables.find("hired_employees")
BY_POSITION = Layout((0, 1), 2)


def drifted(table, *columns):
    with pytest.raises(UnreadableFile) as caught:
        layout(table, columns)
    assert caught.value.code == "header_drifted"
    return caught.value


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        (["id", "job"], Layout((0, 1), 2, header=True)),
        (["job", "id"], Layout((1, 0), 2, header=True)),
        ([" ID", "Job "], Layout((0, 1), 2, header=True)),
        (["id", "job", "_line"], Layout((0, 1), 3, header=True, notes=True)),
        (["_line", "job", "_reasons", "id"], Layout((3, 1), 4, header=True, notes=True)),
    ],
)
def test_a_header_says_where_the_fields_are_and_whether_notes_are_among_them(columns, wanted):
    assert layout(JOBS, columns) == wanted


@pytest.mark.parametrize(
    ("columns", "straight"),
    [(["id", "job"], True), (["job", "id"], False), (["id", "job", "_x"], False)],
)
def test_only_the_fields_in_their_order_are_straight(columns, straight):
    assert layout(JOBS, columns).straight is straight


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "Welder"],
        ["5", "job"],
        ["x", "y"],
        ["", ""],
        ["5"],
        ["5", "job", "more"],
        ["x", "7", "job"],
        ["_id", "_job"],
        ["ids", "jobs"],
    ],
)
def test_what_is_no_header_is_read_by_position(cells):
    assert layout(JOBS, cells) == BY_POSITION


@pytest.mark.parametrize(
    "columns",
    [
        ["id"],
        ["id", "name"],
        ["id", "job", "salary"],
        ["id", "job", "job"],
        ["id", "5"],
        ["job", "٣", "x"],
    ],
)
def test_a_row_that_names_some_of_the_fields_but_not_exactly_them_is_refused(columns):
    drifted(JOBS, *columns)


def test_the_error_names_what_is_missing_unknown_and_doubled_and_guesses():
    error = drifted(HIRES, "id", "id", "name", "datetime", "departmentid", "salary", "_line")

    assert error.facts == {
        "missing": ["department_id", "job_id"],
        "unknown": ["departmentid", "salary"],
        "doubled": ["id"],
        "closest": {"departmentid": "department_id"},
    }
    assert str(error) == (
        "The header is not that of the table (missing: 'department_id', 'job_id'; "
        "unknown: 'departmentid', 'salary'; doubled: 'id'; "
        "did 'departmentid' mean 'department_id'?). "
        "Name the columns id, name, datetime, department_id, job_id, in any order, "
        "and drop the file again."
    )


@pytest.mark.parametrize(
    ("unknown", "more"), [(20, None), (21, "and 1 more unknown"), (500, "and 480 more")]
)
def test_the_error_lists_at_most_twenty_unknown_columns_and_counts_the_others(unknown, more):
    error = drifted(JOBS, "id", *(f"c{number}{'x' * 100}" for number in range(unknown)))

    assert len(error.facts["unknown"]) == 20
    assert set(map(len, error.facts["unknown"])) == {80}
    assert ("more unknown" in str(error)) is (more is not None)
    assert more is None or more in str(error)
