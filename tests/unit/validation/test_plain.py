"""What is plainly good: runs of lines, single cells, and neither if a table has its own rules."""

import io
import re
import sys

import pytest
from marshmallow import ValidationError, validates_schema

from shared import tables
from shared.tables import Integer, Row, Table, Text
from shared.tables.kinds.text import BLANKS
from shared.validation import csv_rows, plain

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


def wide(fields, **options):
    """A table of many texts."""
    return Table(
        "wide", type("Wide", (Row,), {f"t{n}": Text(**options) for n in range(fields)}), key=("t0",)
    )


def is_run(table, lines, order=None):
    """Whether lines are one run to their end."""
    found = plain.PlainLines(table, range(len(table.names)) if order is None else order)
    return found.end(lines, 0) == len(lines) > 0 and not found.is_doubtful(lines)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_good_lines_are_a_run_with_any_line_end(end):
    line = (GOOD + end).encode()

    assert is_run(HIRES, line)
    assert is_run(HIRES, line * 1000)
    assert is_run(HIRES, (GOOD + "\n" + GOOD + "\r\n" + GOOD + "\r").encode())


@pytest.mark.parametrize(
    "line",
    [
        "\n",
        GOOD,
        GOOD + ",\n",
        "," + GOOD + "\n",
        GOOD + " \n",
        GOOD.replace("Ada", "A,da") + "\n",
        GOOD.replace("Ada", "A\tda") + "\n",
        GOOD.replace("Ada", "A\\da") + "\n",
        GOOD.replace("Ada", "A\0da") + "\n",
        GOOD.replace("Ada", '"Ada"') + "\n",
        GOOD.replace("Ada", "A\rda") + "\n",
        GOOD.replace("Ada", " ") + "\n",
        GOOD.replace("Ada", "\u2003") + "\n",
        GOOD.replace("Ada", "a" * 1001) + "\n",
        GOOD.replace("7,", "0,") + "\n",
        GOOD.replace("07-27", "02-30") + "\n",
        "Ada,7,2021-07-27T16:02:08Z,1,2\n",
    ],
)
def test_a_doubtful_line_ends_a_run(line):
    lines = plain.PlainLines(HIRES, range(5))
    good = f"{GOOD}\n".encode()

    assert lines.end(line.encode(), 0) == 0
    assert lines.end(good * 3 + line.encode() + good, 0) == 3 * len(good)
    assert lines.end(good + line.encode() + good, len(good)) == len(good)


def test_cells_of_a_run_may_be_quoted_whole():
    lines = plain.PlainLines(HIRES, range(5))
    for good in (
        '7,"Ada",2021-07-27T16:02:08Z,1,2',
        '"7","Ada","2021-07-27T16:02:08Z","1","2"',
        GOOD,
    ):
        line = f"{good}\n".encode()
        assert lines.quoted_end(line * 9, 0) == 9 * len(line)
    for doubtful in (
        '7,"A""da",2021-07-27T16:02:08Z,1,2',
        '7,"A,da",2021-07-27T16:02:08Z,1,2',
        '7,"A\nda",2021-07-27T16:02:08Z,1,2',
        '7, "Ada",2021-07-27T16:02:08Z,1,2',
        '7,"Ada" ,2021-07-27T16:02:08Z,1,2',
        '7,"Ada,2021-07-27T16:02:08Z,1,2',
        '7,Ada",2021-07-27T16:02:08Z,1,2',
        '7,"",2021-07-27T16:02:08Z,1,2',
        '"0","Ada",2021-07-27T16:02:08Z,1,2',
    ):
        assert lines.quoted_end(f"{doubtful}\n".encode(), 0) == 0, doubtful


@pytest.mark.parametrize(
    "odd", [b"\xe9", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf"]
)
def test_a_byte_that_is_not_utf8_ends_a_run(odd):
    good = f"{GOOD}\n".encode()
    lines = plain.PlainLines(HIRES, range(5))

    assert lines.end(good + good.replace(b"Ada", b"A" + odd + b"a") + good, 0) == len(good)


def test_what_python_strips_is_a_blank_here_too():
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]

    assert re.findall(f"[{BLANKS}]", "".join(map(chr, range(sys.maxunicode + 1)))) == spaces
    for space in set(spaces) - {"\r", "\n"}:
        assert not is_run(JOBS, f"1,a{space}\n".encode()), ascii(space)


def test_a_text_may_be_as_long_as_its_field_says_however_many_there_are():
    for fields, most in ((1, 3), (1, 1000), (1, 5000), (40, 30), (40, 200), (9, 1000)):
        table = wide(fields, max_length=most)
        # Two bytes each.
        longest, short = "é" * most, "é"
        assert is_run(table, (",".join([short] * fields) + "\n").encode())
        if most < 1000 or fields == 1 == most // 1000:
            assert is_run(table, (",".join([longest] * fields) + "\n").encode()), (fields, most)
        for place in {0, fields - 1}:
            cells = [short] * fields
            cells[place] = longest + "é"
            assert not is_run(table, (",".join(cells) + "\n").encode()), (fields, most, place)


def test_the_words_for_a_missing_value_are_doubtful_wherever_they_stand():
    class Note(Row):
        """A note."""

        id = Integer(minimum=1)
        text = Text(optional=True)
        by = Text(default="ann")

    table = Table("notes", Note, missing=("", "NULL", "n/a", "."))

    assert is_run(table, b"1,a,b\n2,,b\n3,NULLs,NULL 1\n4,..,n/a/\n")
    for cells in (b"1,NULL,b", b"1,a,n/a", b"1,.,b", b"1,a,."):
        for end in (b"\n", b"\r\n", b"\r"):
            assert not is_run(table, b"1,a,b" + end + cells + end + b"1,a,b" + end)
    # An empty cell of a field with a default is not its own COPY text.
    assert not is_run(table, b"1,a,\n")


@pytest.mark.parametrize("rules", [(), (bool,)], ids=["decided by the pattern", "undecided"])
def test_a_blank_line_is_no_row_where_a_row_may_be_one_empty_cell(rules):
    class Note(Row):
        """A note."""

        text = Text(optional=True, validate=rules)

    table = Table("notes", Note, key=())

    assert is_run(table, b"a\nb\n")
    assert not is_run(table, b"a\n\nb\n")
    (block,) = csv_rows.blocks(table, io.BytesIO(b'text\na\n\n""\nb\n'), 1000)
    assert sorted(block.copied().splitlines()) == [b"2\ta", b"4\t", b"5\tb"]


def test_a_run_is_copied_in_the_order_of_the_file():
    straight = plain.PlainLines(JOBS, [0, 1])
    swapped = plain.PlainLines(JOBS, [1, 0])

    assert straight.columns == ("id", "job")
    assert straight.copied(b"1,a\r\n2,b\r3,c\n", [8, 9, 12]) == b"8\t1\ta\n9\t2\tb\n12\t3\tc\n"
    assert swapped.columns == ("job", "id")
    assert swapped.copied(b"a,1\nb,2\n", range(3, 5)) == b"3\ta\t1\n4\tb\t2\n"
    assert swapped.end(b"1,a\n", 0) == 0


def test_columns_that_the_file_leaves_out_come_last_with_what_stands_for_them():
    class Note(Row):
        """A note."""

        id = Integer(minimum=1)
        text = Text(optional=True)
        by = Text(default="a\\b")

    lines = plain.PlainLines(Table("notes", Note), [0, None, None], numbered=False)

    assert lines.columns == ("id", "text", "by")
    assert lines.copied(b"1\r2\n", range(2)) == b"1\t\ta\\\\b\n2\t\ta\\\\b\n"


def test_a_run_is_copied_without_positions_if_it_has_none():
    for order, run in (([0, 1], b"1,a\n"), ([1, 0], b"a,1\n")):
        lines = plain.PlainLines(JOBS, order, numbered=False)
        assert lines.copied(run, [1]) == run.replace(b",", b"\t")


def test_what_ends_a_line_elsewhere_stays_in_its_cell():
    text = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"
    run = f"1,{text}\n2,b\n".encode()

    assert is_run(JOBS, run)
    copied = plain.PlainLines(JOBS, [0, 1]).copied(run, range(1, 3))
    assert copied == f"1\t1\t{text}\n2\t2\tb\n".encode()


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


def test_a_table_with_rules_of_its_own_leaves_every_cell_to_them():
    assert [encode("1") for encode in plain.encoders(RULED)] == [None, None]


def test_a_field_that_opts_out_leaves_its_own_cells_to_the_rules_and_no_others():
    class Strict(Row):
        """A row with a rule for one field."""

        id = Integer(minimum=1, validate=lambda value: value < 5)
        job = Text()

    table = Table("strict", Strict)

    assert plain.PlainLines(table, [0, 1]).undecided == [0]
    assert plain.PlainLines(table, [1, 0]).undecided == [0]
    assert not plain.cell_matchers(table)[0]("1")
    assert plain.cell_matchers(table)[1]("a")
    assert [encode("1") for encode in plain.encoders(table)] == [None, "1"]
