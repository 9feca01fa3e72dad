"""A number passes a quick way only if it is in range, and the ordinary ones do pass it."""

import re

import msgspec
import pytest
from marshmallow import ValidationError

from shared.tables import Integer
from shared.tables.kind import Cell

LARGEST = 9223372036854775807


@pytest.fixture
def integer():
    return Integer(minimum=1)


def verdict(field, value):
    try:
        return field.deserialize(value)
    except ValidationError as error:
        return error.messages[0].code


@pytest.mark.parametrize(
    ("cell", "wanted", "quick"),
    [
        ("1", 1, True),
        ("9", 9, True),
        ("007", 7, True),
        ("100", 100, True),
        ("9" * 18, int("9" * 18), True),
        ("1" + "0" * 18, 10**18, False),
        ("0" * 18 + "1", 1, False),
        (str(LARGEST), LARGEST, False),
        (str(LARGEST + 1), "out_of_range", False),
        ("9" * 4000, "out_of_range", False),
        ("9" * 5000, "out_of_range", False),
        ("0", "out_of_range", False),
        ("000", "out_of_range", False),
        ("-1", "out_of_range", False),
        ("-0", "out_of_range", False),
        ("-", "not_an_integer", False),
        ("--1", "not_an_integer", False),
        ("+1", "not_an_integer", False),
        ("1 ", "not_an_integer", False),
        (" 1", "not_an_integer", False),
        ("1\n", "not_an_integer", False),
        ("1.0", "not_an_integer", False),
        ("1e3", "not_an_integer", False),
        ("1_0", "not_an_integer", False),
        ("0x1", "not_an_integer", False),
        ("１", "not_an_integer", False),
        ("٣", "not_an_integer", False),
        ("", "missing", False),
    ],
)
def test_a_cell_is_digits_within_the_range(integer, cell, wanted, quick):
    assert verdict(integer, Cell(cell)) == wanted
    assert (re.fullmatch(integer.cell_pattern, cell) is not None) is quick
    assert integer.cell_encoder(cell) == (cell if quick else None)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, 1),
        (LARGEST, LARGEST),
        (0, "out_of_range"),
        (-1, "out_of_range"),
        (LARGEST + 1, "out_of_range"),
        (10**100, "out_of_range"),
        (True, "not_an_integer"),
        (False, "not_an_integer"),
        (1.0, "not_an_integer"),
        ("1", "not_an_integer"),
        ([1], "not_an_integer"),
        (None, "missing"),
    ],
)
def test_a_json_value_is_a_number_within_the_range_and_the_quick_type_takes_no_other(
    integer, value, wanted
):
    try:
        quick = msgspec.json.decode(msgspec.json.encode(value), type=integer.json_type)
    except (msgspec.ValidationError, OverflowError):
        quick = "left to the rule"

    assert verdict(integer, value) == wanted
    assert (quick == value) is (type(wanted) is int)


@pytest.mark.parametrize(
    ("cell", "is_one"),
    [("5", True), ("005", True), ("job", False), ("", False), ("5a", False), ("٣", False)],
)
def test_digits_in_a_first_row_say_that_it_is_no_header(integer, cell, is_one):
    assert integer.is_data(cell) is is_one
