"""The file of rejected rows holds each row as it came, whatever was sent in its place."""

import csv
import io

import pytest

from shared import tables
from shared.validation import corrections

HIRES = tables.find("hired_employees")
JOBS = tables.find("jobs")


def written(table, *rejects):
    content = b"".join(corrections.lines(table, rejects)).decode()
    return list(csv.reader(io.StringIO(content, newline="")))


@pytest.mark.parametrize(
    ("raw", "cells"),
    [
        ({"id": "1", "job": "Welder"}, ["1", "Welder"]),
        ({"job": "Welder", "salary": 5}, ["", "Welder"]),
        (["1"], ["1", ""]),
        (["1", "Welder", "more"], ["1", "Welder", "more"]),
        ([], ["", ""]),
        ("no object", ["no object", ""]),
        (5, ["5", ""]),
        (None, ["", ""]),
    ],
)
def test_a_row_fills_the_columns_of_the_table_before_the_notes(raw, cells):
    header, row = written(JOBS, (7, raw, "id: Wrong."))

    assert header == ["id", "job", "_line", "_reasons"]
    assert row == [*cells, "7", "id: Wrong."]


def test_a_value_that_is_no_object_leaves_every_other_column_empty():
    header, row = written(HIRES, (1, "Ada", "x"))

    assert len(row) == len(header)
    assert row == ["Ada", "", "", "", "", "1", "x"]


def test_values_other_than_text_are_written_as_json_that_people_can_read():
    _, row = written(JOBS, (1, {"id": [1, None], "job": {"name": "Zoë 😀"}}, "x"))

    assert row[:2] == ["[1, null]", '{"name": "Zoë 😀"}']
