"""The verdict on one row: its values as they are stored, or all its errors."""

import json
from datetime import UTC, datetime

import pytest
from marshmallow import ValidationError, validates_schema

from shared import tables
from shared.tables import Integer, Row, Table, Text
from shared.validation import row
from shared.validation.row import (
    FieldError,
    Reject,
    storable,
    validate_cell,
    validate_cells,
    validate_row,
)

HIRES = tables.find("hired_employees")
JOBS = tables.find("jobs")
TOO_LONG = {"maximum": 1000, "length": 1001}


def said(errors):
    return [(error.field, error.code) for error in errors]


def test_a_good_row_gives_its_values():
    given = {
        "id": 7,
        "name": "Ada",
        "datetime": "2021-01-01T01:00:00+02:00",
        "department_id": 1,
        "job_id": 2,
    }

    assert validate_row(HIRES, given) == {
        **given,
        "datetime": datetime(2020, 12, 31, 23, tzinfo=UTC),
    }


def test_errors_come_in_the_order_of_the_fields_and_then_of_the_unknown_names():
    errors = validate_row(HIRES, {"zeta": 1, "job_id": "2", "alpha": 1, "id": 0, "name": "Ada"})

    assert said(errors) == [
        ("id", "out_of_range"),
        ("datetime", "missing"),
        ("department_id", "missing"),
        ("job_id", "not_an_integer"),
        ("alpha", "unknown_field"),
        ("zeta", "unknown_field"),
    ]


def test_a_row_of_its_own_fields_alone_gives_all_its_errors_too():
    errors = validate_row(HIRES, {"job_id": "2", "id": 0, "name": "Ada", "department_id": None})

    assert said(errors) == [
        ("id", "out_of_range"),
        ("datetime", "missing"),
        ("department_id", "missing"),
        ("job_id", "not_an_integer"),
    ]


def test_a_default_stands_in_for_a_value_that_is_absent_or_null():
    class Thing(Row):
        """A thing, perhaps with a number."""

        id = Integer(minimum=1)
        number = Integer(minimum=1, default=7)

    table = Table("things", Thing)

    assert validate_row(table, {"id": 1}) == {"id": 1, "number": 7}
    assert validate_row(table, {"id": 1, "number": 2}) == {"id": 1, "number": 2}
    assert validate_row(table, {"id": 1, "number": None}) == {"id": 1, "number": 7}


@pytest.mark.parametrize("known", [{}, {"id": 1}, {"id": 1, "job": "Welder"}])
@pytest.mark.parametrize("more", [-1, 0, 1, 2, 500])
def test_a_row_reports_its_first_twenty_unknown_fields_however_many_it_knows(known, more):
    names = [f"field_{number:03}" for number in range(20 + more)]

    errors = validate_row(JOBS, {**known, **dict.fromkeys(reversed(names), 1)})

    found = [error.field for error in errors if error.code == "unknown_field"]
    assert found == names[:20]
    assert [error.field for error in errors if error.code == "missing"] == [
        name for name in JOBS.names if name not in known
    ]


@pytest.mark.parametrize("given", [None, 1, "text", [], [1, "Welder"], True])
def test_what_is_no_object_is_no_row(given):
    assert said(validate_row(JOBS, given)) == [("_row", "not_an_object")]


def test_the_name_of_an_unknown_field_can_be_stored():
    errors = validate_row(JOBS, {"id": 1, "job": "Welder", "a\x00b": 1, "c\ud83d": 1})

    assert [error.field for error in errors] == ["a\u2400b", "c\ufffd"]


def test_a_sentence_of_the_tables_own_can_be_stored():
    class Thing(Row):
        """A thing that none may have."""

        id = Integer(minimum=1)
        job = Text()

        @validates_schema
        def refuse(self, data, **_):
            """Quote the row."""
            raise ValidationError("No \x00 and no \ud83d.", "job")

    (error,) = validate_row(Table("things", Thing), {"id": 1, "job": "x"})

    assert (error.field, error.code) == ("job", "rule_broken")
    assert error.sentence() == "No \u2400 and no \ufffd."
    error.encoded.decode()


# Cells of a file, some of which are known to be good


def test_cells_known_to_be_good_stay_as_they_are_and_the_rules_give_the_others():
    cells = ["1", "Ada", "2021-01-01T01:00:00+02:00", "0003", "4"]

    verdict = validate_cells(HIRES, cells, ["one", None, None, None, "four"])

    assert verdict == ["one", "Ada", datetime(2020, 12, 31, 23, tzinfo=UTC), 3, "four"]


def test_cells_give_all_their_errors_and_none_of_those_known_to_be_good():
    cells = ["x", " ", "soon", "0", ""]

    assert said(validate_cells(HIRES, cells, [None] * 5)) == [
        ("id", "not_an_integer"),
        ("name", "blank"),
        ("datetime", "not_a_timestamp"),
        ("department_id", "out_of_range"),
        ("job_id", "missing"),
    ]
    assert said(validate_cells(HIRES, cells, ["1", None, "soon", None, "5"])) == [
        ("name", "blank"),
        ("department_id", "out_of_range"),
    ]


@pytest.mark.parametrize("length", [1, 63, 64, 65, 1000])
def test_a_cell_is_judged_alike_whatever_its_length(length):
    assert validate_cell(JOBS, "job", "x" * length) == "x" * length
    (error,) = validate_cell(JOBS, "id", "x" * length)
    assert (error.field, error.code, error.facts) == ("id", "not_an_integer", {})


def test_the_verdict_on_a_short_cell_is_remembered_and_that_on_a_long_one_is_not():
    row._short_cell.cache_clear()

    for cell in ("y" * 63, "y" * 64, "y" * 1001):
        validate_cell(JOBS, "id", cell)

    assert row._short_cell.cache_info().currsize == 1


# What is kept of a reject


def test_an_error_is_kept_with_its_facts():
    error = FieldError("job", "too_long", TOO_LONG)

    assert error.as_json() == {"field": "job", "code": "too_long", "facts": TOO_LONG}
    assert json.loads(error.encoded) == error.as_json()
    assert error.sentence().startswith("Has 1001 characters, at most 1000")


def test_a_reject_is_counted_under_its_first_error():
    assert Reject(1, {}, (FieldError("a", "blank"), FieldError("b", "missing"))).reason == "blank"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain", "plain"),
        ("Zoë 😀", "Zoë 😀"),
        ("a\x00b", "a\u2400b"),
        ("é\x00", "é\u2400"),
        ("\ud83d", "\ufffd"),
        (["\x00", {"\x00": "\x00"}], ["\u2400", {"\u2400": "\u2400"}]),
        (("\x00", 1), ["\u2400", 1]),
        ({"a": {"b": ["\ud800"]}}, {"a": {"b": ["\ufffd"]}}),
        (1.5, 1.5),
        (None, None),
        (True, True),
    ],
)
def test_what_the_database_cannot_hold_is_made_visible(value, kept):
    assert storable(value) == kept
