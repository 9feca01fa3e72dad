"""The dictionary: its tables, and the values that each kind of field accepts."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared import tables
from shared.errors import ConfigurationError, UnknownTable
from shared.tables import Integer, Reference, Row, Table, Text, Timestamp
from shared.tables.kind import Cell
from shared.tables.kinds.integer import MAX_INTEGER
from shared.tables.kinds.text import MAX_TEXT
from shared.validation import reasons
from shared.validation.row import validate_row

JOBS = tables.find("jobs")
HIRES = tables.find("hired_employees")


def hire(**changes):
    row = {
        "id": 1,
        "name": "Ada",
        "datetime": "2021-07-27T16:02:08Z",
        "department_id": 2,
        "job_id": 3,
    }
    return {**row, **changes}


def codes(verdict):
    assert isinstance(verdict, tuple), verdict
    return [(error.field, error.code) for error in verdict]


def test_parents_come_before_their_children():
    assert list(tables.all_tables()) == ["departments", "jobs", "hired_employees"]
    assert tables.children(JOBS) == [HIRES]


def test_an_unknown_table_is_answered_with_the_known_ones():
    with pytest.raises(UnknownTable, match="departments, jobs, hired_employees"):
        tables.find("salaries")


def test_a_good_row_is_returned_typed_and_in_utc():
    verdict = validate_row(HIRES, hire(datetime="2021-07-27T18:02:08.25+02:00"))

    assert verdict == hire(datetime=datetime(2021, 7, 27, 16, 2, 8, 250000, UTC))


@pytest.mark.parametrize(
    "text", ["1.0", "1e3", "+1", " 1", "1 ", "１", "٣", "1_000", "0x1", "-", "nan"]
)
def test_a_cell_that_is_not_an_integer_is_refused(text):
    assert codes(validate_row(JOBS, {"id": Cell(text), "job": Cell("x")})) == [
        ("id", "not_an_integer")
    ]


@pytest.mark.parametrize("text", ["0", "-5", str(MAX_INTEGER + 1), "9" * 5000])
def test_an_integer_outside_its_range_is_refused(text):
    assert codes(validate_row(JOBS, {"id": Cell(text), "job": Cell("x")})) == [
        ("id", "out_of_range")
    ]


@pytest.mark.parametrize("value", ["1", 1.0, True, [1], {}])
def test_json_types_are_strict(value):
    assert codes(validate_row(JOBS, {"id": value, "job": "x"})) == [("id", "not_an_integer")]
    assert codes(validate_row(JOBS, {"id": 1, "job": 5})) == [("job", "not_text")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("  \t", "blank"),
        ("\u3000", "blank"),
        ("a\x00b", "nul_character"),
        ("\ud800", "not_unicode"),
        ("x" * (MAX_TEXT + 1), "too_long"),
        (Cell(""), "missing"),
        (None, "missing"),
    ],
)
def test_a_bad_text_is_refused(text, code):
    assert codes(validate_row(JOBS, {"id": 1, "job": text})) == [("job", code)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2021-07-27T16:02:08", "no_offset"),
        ("2021-07-27 16:02:08Z", "not_a_timestamp"),
        ("2021-07-27T16:02:08z", "not_a_timestamp"),
        (" 2021-07-27T16:02:08Z", "not_a_timestamp"),
        ("2021-07-27T16:02:08Z\n", "not_a_timestamp"),
        ("2021-1-7T16:02:08Z", "not_a_timestamp"),
        ("2021-02-30T16:02:08Z", "not_a_timestamp"),
        ("2021-W45-7T00:00:00Z", "not_a_timestamp"),
        ("2021-07-27T2:48:00Z", "not_a_timestamp"),
        ("2021-07-27T16:02:60Z", "not_a_timestamp"),
        ("2021-07-27T24:00:00Z", "not_a_timestamp"),
        ("0000-01-01T00:00:00Z", "not_a_timestamp"),
        ("10000-01-01T00:00:00Z", "not_a_timestamp"),
        ("2021-07-27T16:02:08.1234567Z", "not_a_timestamp"),
        ("２021-07-27T16:02:08Z", "not_a_timestamp"),
        ("0001-01-01T00:00:00+01:00", "timestamp_out_of_range"),
        ("9999-12-31T23:59:59-01:00", "timestamp_out_of_range"),
        (1627401728, "not_a_timestamp"),
    ],
)
def test_a_bad_timestamp_is_refused(text, code):
    assert codes(validate_row(HIRES, hire(datetime=text))) == [("datetime", code)]


def test_all_errors_of_a_row_are_listed_in_field_order():
    verdict = validate_row(HIRES, {"job_id": 0, "name": "", "id": 1, "salary": 5})

    assert codes(verdict) == [
        ("name", "blank"),
        ("datetime", "missing"),
        ("department_id", "missing"),
        ("job_id", "out_of_range"),
        ("salary", "unknown_field"),
    ]


@pytest.mark.parametrize("row", [5, None, [], "x"])
def test_a_row_that_is_not_an_object_is_refused(row):
    assert codes(validate_row(JOBS, row)) == [("_row", "not_an_object")]


def test_a_timestamp_without_offset_is_accepted_if_the_field_declares_a_zone():
    class Local(Row):
        """A table of local times."""

        id = Integer(minimum=1)
        at = Timestamp(zone="Europe/Berlin")

    verdict = validate_row(Table("local", Local), {"id": 1, "at": "2021-07-27T16:02:08"})

    assert verdict == {"id": 1, "at": datetime(2021, 7, 27, 14, 2, 8, tzinfo=UTC)}


def test_every_reason_code_in_use_is_in_the_catalogue():
    folder = Path(tables.__file__).parents[1]
    sources = [path.read_text() for path in folder.rglob("*.py")]
    used = {c for s in sources for c in re.findall(r'(?:refuse|Refusal)\("(\w+)"', s)}

    assert len(used) > 10
    assert used <= set(reasons.CATALOGUE)


def test_a_sentence_is_built_from_a_code_and_its_facts():
    assert reasons.sentence("too_long", {"length": 7, "maximum": 5}).startswith("Has 7 characters")
    assert reasons.sentence("too_long", {}) == "too_long"


class Thing(Row):
    """A thing."""

    id = Integer(minimum=1)
    name = Text()
    alias = Text(optional=True)


class Twin(Row):
    """A thing with a field that has a name of the platform's own."""

    id = Integer()
    same = Text()


@pytest.mark.parametrize(
    "table",
    [
        Table("Things", Thing),
        Table("twins", Twin),
        Table("loads", Thing),
        Table("things", Thing, key=("number",)),
        Table("things", Thing, references=(Reference("id", "nowhere"),)),
        Table("things", Thing, key=("name", "alias")),
        Table("things", Thing, references=(Reference("id", "jobs", "job"),)),
        Table("things", Thing, references=(Reference(("id", "name"), "jobs"),)),
        Table("things", Thing, references=(Reference(("id", "name"), "jobs", "id"),)),
        Table("things", Thing, key=(), on_conflict="reject"),
        Table("things", Thing, references=(Reference("id", "things"),), key=()),
        Table("things", Thing, unique=(("name", "number"),)),
        Table("things", Thing, unique=(("name", "name"),)),
        Table("things", Thing, unique=(("id",),)),
        Table("things", Thing, key=("id", "name"), unique=(("name", "id"),)),
        Table("things", Thing, unique=(("name", "alias"), ("alias", "name"))),
        Table("things", Thing, unique=((),)),
        Table("things", Thing, unique=("name",)),
    ],
)
def test_an_inconsistent_table_is_refused_by_name(table):
    with pytest.raises(ConfigurationError, match=table.name):
        tables.in_order({**tables.all_tables(), table.name: table})
