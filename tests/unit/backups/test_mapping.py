"""Fields of a file are found by name or alias; an error says which ones it lacks."""

import pytest

from shared.avro.schemas import FileSchema
from shared.backups.errors import UnusableBackup
from shared.backups.mapping import Defaulted, Mapped, resolve
from shared.tables import Integer, Row, Table, Text, Timestamp, find
from tests.support.toy_kinds import Flag


class Office(Row):
    """A place people work at."""

    id = Integer(minimum=1)
    city = Text()
    country = Text(default="Nowhere")
    region = Text(default="Anywhere")
    open = Flag(default=True)


OFFICES = Table("offices", Office)


def resolved(aliases=None, table=OFFICES, **fields):
    """Where each column comes from: a field of the file, or the value of all rows."""
    declared = [{"name": name, "type": kind} for name, kind in fields.items()]
    schema = FileSchema({"type": "record", "name": "Root", "fields": declared})
    return {
        one.column: one.field.name if isinstance(one, Mapped) else one
        for one in resolve(schema, table, aliases or {})
    }


def test_missing_fields_get_their_defaults_and_other_fields_are_ignored():
    assert resolved(city="string", extra="double", id="int", load_id="string") == {
        "id": "id",
        "city": "city",
        "country": Defaulted("country", "Nowhere"),
        "region": Defaulted("region", "Anywhere"),
        "open": Defaulted("open", value=True),
        "accepted_at": Defaulted("accepted_at", None),
        "load_id": "load_id",
    }


def test_a_field_is_found_by_its_alias_unless_the_file_has_its_name():
    aliases = {"city": "town", "country": "land"}

    assert resolved(aliases, id="long", town="string", land="string")["city"] == "town"
    assert resolved(aliases, id="long", city="string", town="string")["city"] == "city"
    assert resolved(aliases, id="long", city="string")["country"] == Defaulted("country", "Nowhere")


@pytest.mark.parametrize(
    ("fields", "missing", "wrong", "sentence"),
    [
        (
            {"town": "string"},
            ["id", "city"],
            [],
            "it lacks id, city. It has the fields town.",
        ),
        (
            {"id": "double", "city": "string", "open": "string"},
            [],
            ["id", "open"],
            "it has another type for id (has double, taken are int or long); open (has string, "
            "taken are boolean). It has the fields id, city, open.",
        ),
        (
            {"id": "string"},
            ["city"],
            ["id"],
            "it lacks city and it has another type for id (has string, taken are int or long). It"
            " has the fields id.",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_told_what_it_lacks(fields, missing, wrong, sentence):
    with pytest.raises(UnusableBackup) as caught:
        resolved(**fields)

    assert str(caught.value) == f"The file does not match table 'offices': {sentence}"
    assert caught.value.code == "wrong_schema"
    assert caught.value.facts == {"missing": missing, "wrong": wrong}


MICROS = {"type": "long", "logicalType": "timestamp-micros"}
HIRE = {"id": "long", "name": "string", "datetime": MICROS, "department_id": "long"} | {
    "job_id": "long"
}


@pytest.mark.parametrize(
    ("declared", "wrong"),
    [
        ({"name": "long"}, ["name"]),
        ({"id": "double"}, ["id"]),
        ({"id": MICROS}, ["id"]),
        ({"id": "string", "load_id": "long"}, ["id", "load_id"]),
        # It could be seconds or milliseconds, and nothing is guessed.
        ({"datetime": "long", "accepted_at": "int"}, ["datetime", "accepted_at"]),
    ],
)
def test_a_field_of_another_type_is_refused(declared, wrong):
    with pytest.raises(UnusableBackup) as caught:
        resolved(table=find("hired_employees"), **{**HIRE, **declared})

    assert caught.value.facts == {"missing": [], "wrong": wrong}


@pytest.mark.parametrize(
    "declared",
    [
        {"id": "int", "job_id": ["null", "int"]},
        {"name": {"type": "string", "logicalType": "uuid"}},
        {"datetime": {"type": "long", "logicalType": "timestamp-millis"}, "accepted_at": "string"},
        {"datetime": ["null", "string"], "load_id": ["string", "null"]},
    ],
)
def test_a_field_of_a_type_that_holds_the_same_is_accepted(declared):
    found = resolved(table=find("hired_employees"), **{**HIRE, **declared})

    assert {name: found[name] for name in declared} == {name: name for name in declared}


MOMENT = Table(
    "moments", type("M", (Row,), {"__doc__": "x", "id": Integer(minimum=1), "at": Timestamp()})
)
LOCAL = {"type": "long", "logicalType": "local-timestamp-micros"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("long", 'at (has long, taken are .*send "bare_longs": "microseconds"'),
        (["null", "long"], 'send "bare_longs"'),
        ({"type": "long"}, 'send "bare_longs"'),
        (LOCAL, "has long as local-timestamp-micros, .*; local times lack their time zone"),
        ({"type": "int", "logicalType": "date"}, "has int as date, taken are timestamp-micros, "),
    ],
)
def test_a_moment_whose_meaning_is_not_certain_is_refused_in_words(kind, words):
    with pytest.raises(UnusableBackup, match=words.replace("(", "\\(")):
        resolved(table=MOMENT, id="long", at=kind)


@pytest.mark.parametrize("kind", ["long", {"type": "long"}, ["null", {"type": "long"}]])
def test_bare_numbers_are_microseconds_if_the_caller_says_so(kind):
    declared = [{"name": "id", "type": "long"}, {"name": "at", "type": kind}]
    schema = FileSchema({"type": "record", "name": "Root", "fields": declared})

    columns = resolve(schema, MOMENT, {}, has_microseconds=True)

    assert [one.column for one in columns if isinstance(one, Mapped)] == ["id", "at"]


def test_local_times_are_taken_if_the_field_has_a_time_zone():
    zoned = Table(
        "moments",
        type("M", (Row,), {"__doc__": "x", "id": Integer(minimum=1), "at": Timestamp(zone="UTC")}),
    )

    assert resolved(table=zoned, id="long", at=LOCAL)["at"] == "at"


def test_a_field_is_found_by_an_alias_that_the_file_declares():
    declared = [
        {"name": "number", "type": "long", "aliases": ["id"]},
        {"name": "id2", "type": "long", "aliases": ["city"]},
        {"name": "city", "type": "string"},
    ]
    schema = FileSchema({"type": "record", "name": "Root", "fields": declared})

    columns = resolve(schema, OFFICES, {})

    found = {one.column: one.field.name for one in columns if isinstance(one, Mapped)}
    assert found == {"id": "number", "city": "city"}
