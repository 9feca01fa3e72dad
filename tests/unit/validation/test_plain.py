"""What is plainly good: whole lines, single cells, and neither if a table has rules of its own."""

import pytest
from marshmallow import ValidationError, validates_schema

from shared import tables
from shared.tables import Integer, Row, Table, Text
from shared.validation import plain

HIRES = tables.find("hired_employees")
JOBS = tables.find("jobs")
GOOD = "7,Ada,2021-07-27T16:02:08Z,1,2"


class Ruled(Row):
    """A row with a rule over all of it."""

    id = Integer(minimum=1)
    job = Text()

    @validates_schema
    def refuse(self, data, **_):
        """Accept none."""
        raise ValidationError("No.")


RULED = Table("ruled", Ruled)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_a_good_line_is_plain_with_any_line_end(end):
    assert plain.PlainLines(HIRES, range(5)).match(GOOD + end)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        GOOD + "\n\n",
        GOOD + "\n\r",
        GOOD + ",",
        "," + GOOD,
        GOOD + " ",
        GOOD.replace("Ada", "A,da"),
        GOOD.replace("Ada", "A\tda"),
        GOOD.replace("Ada", "A\\da"),
        GOOD.replace("Ada", '"Ada"'),
        GOOD.replace("Ada", "A\rda"),
        GOOD.replace("7,", "0,"),
        GOOD.replace("07-27", "02-30"),
        "Ada,7,2021-07-27T16:02:08Z,1,2",
    ],
)
def test_a_doubtful_line_is_not(line):
    assert not plain.PlainLines(HIRES, range(5)).match(line)


def test_a_line_is_copied_in_the_order_of_the_table():
    straight = plain.PlainLines(JOBS, [0, 1])
    swapped = plain.PlainLines(JOBS, [1, 0])
    lines, turned = ["1,a\r\n", "2,b\r", "3,c\n", "4,d"], ["a,1\r\n", "b,2\r", "c,3\n", "d,4"]

    wanted = "8\t1\ta\n9\t2\tb\n10\t3\tc\n12\t4\td\n"
    assert straight.copied(lines, list(map(straight.match, lines)), [8, 9, 10, 12]) == wanted
    assert swapped.copied(turned, list(map(swapped.match, turned)), [8, 9, 10, 12]) == wanted
    assert not swapped.match("1,a\n")


def test_a_line_is_copied_without_its_position_if_it_has_none():
    for order, line in (([0, 1], "1,a\n"), ([1, 0], "a,1\n")):
        lines = plain.PlainLines(JOBS, order, numbered=False)
        assert lines.copied([line], [lines.match(line)], [1]) == "1\ta\n"


def test_a_good_cell_is_its_own_copy_text_and_an_odd_one_is_encoded_or_left():
    match, encode = plain.cell_matchers(HIRES), plain.encoders(HIRES)

    for place, cell in enumerate(GOOD.split(",")):
        assert match[place](cell)
        assert encode[place](cell) == cell
    assert not match[1]("a\\")
    assert encode[1]("a\\") == "a\\\\"
    assert not match[2]("2024-02-29T00:00:00Z")
    assert encode[2]("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00Z"
    assert not match[0]("x")
    assert encode[0]("x") is None


def test_a_table_with_rules_of_its_own_leaves_every_line_and_cell_to_them():
    assert not plain.PlainLines(RULED, [0, 1]).match("1,a\n")
    assert [encode("1") for encode in plain.encoders(RULED)] == [None, None]


def test_a_field_that_opts_out_leaves_its_own_cells_to_the_rules_and_no_others():
    class Strict(Row):
        """A row with a rule for one field."""

        id = Integer(minimum=1, validate=lambda value: value < 5)
        job = Text()

    table = Table("strict", Strict)

    assert plain.PlainLines(table, [0, 1]).undecided == [(0, 1)]
    assert plain.PlainLines(table, [1, 0]).undecided == [(0, 2)]
    assert not plain.cell_matchers(table)[0]("1")
    assert plain.cell_matchers(table)[1]("a")
    assert [encode("1") for encode in plain.encoders(table)] == [None, "1"]
