"""A kind of field is one class; an incomplete one is refused, naming the missing part."""

import io
import json

import msgspec
import pytest
from jsonschema import Draft202012Validator
from marshmallow import ValidationError, fields
from marshmallow.validate import OneOf

from shared import tables
from shared.api import api_docs, dashboard
from shared.errors import ConfigurationError
from shared.settings import read
from shared.strict_json import NotFinite
from shared.tables import Integer, Row, Table, Text, Timestamp, stored
from shared.tables.column import StoredColumn, escape, missing_parts, unescape
from shared.tables.kind import Cell, Kind, refuse
from shared.tables.kinds import KINDS
from shared.validation import csv_rows, json_batch, json_schema, plain
from shared.validation.row import by_schema
from tests.support.toy_kinds import Day, Flag

PARTS = sorted(missing_parts(Kind))
ALL_KINDS = {**KINDS, "Flag": Flag, "Day": Day}


class Room(Row):
    """A room, perhaps with a window."""

    id = Integer(minimum=1, description="Id")
    window = Flag(description="Whether it has a window")
    name = Text(description="Its name")
    built = Day(description="When it was built")


ROOMS = Table("rooms", Room)


def room(number, **changes):
    return {"id": number, "window": True, "name": "Attic", "built": "2021-07-27", **changes}


def staged(table, text):
    """The COPY text of a file's good rows, and the reject reasons of the others by line."""
    good, bad = [], {}
    for block in csv_rows.blocks(table, io.BytesIO(text.encode()), 1 << 20):
        good += sorted(block.copied().decode().splitlines())
        bad |= {
            reject.position: [error.code for error in reject.errors] for reject in block.rejects
        }
    return good, bad


# Completeness


def test_every_kind_with_a_file_is_exported():
    assert set(KINDS) >= {"Integer", "Text", "Timestamp"}
    assert all(getattr(tables, name) is kind for name, kind in KINDS.items())


@pytest.mark.parametrize("kind", ALL_KINDS.values(), ids=ALL_KINDS)
@pytest.mark.parametrize("part", PARTS)
def test_a_kind_that_lacks_a_part_is_refused_with_the_parts_name(kind, part):
    own = [cls for cls in reversed(kind.__mro__) if not issubclass(Kind, cls)]
    members = {name: value for cls in own for name, value in vars(cls).items() if name != part}
    members = {name: value for name, value in members.items() if not name.startswith("__")}
    lacking = type("Lacking", (Kind,), members)
    assert not missing_parts(kind)

    with pytest.raises(
        ConfigurationError, match=rf"'odd' .* Lacking lacks {part} \([A-Z]"
    ) as caught:
        Table("things", type("Thing", (Row,), {"id": Integer(), "odd": lacking()})).fields  # noqa: B018

    assert str(caught.value).count(". ") == 0
    assert str(caught.value).endswith("define it in the kind's file.")


def test_an_incomplete_kind_is_refused_when_the_dictionary_is_read():
    class Odd(Kind):
        """A kind without any part."""

    table = Table("things", type("Thing", (Row,), {"id": Integer(minimum=1), "odd": Odd()}))

    with pytest.raises(ConfigurationError, match="postgres_type"):
        tables.in_order({**tables.all_tables(), "things": table})


def test_a_field_that_is_not_a_kind_is_refused():
    table = Table(
        "things", type("Thing", (Row,), {"id": Integer(minimum=1), "odd": fields.String()})
    )

    with pytest.raises(
        ConfigurationError, match=r"'odd' of table 'things' .* Integer, .*Timestamp"
    ):
        tables.in_order({**tables.all_tables(), "things": table})


@pytest.mark.parametrize("column", stored.COLUMNS.values(), ids=stored.COLUMNS)
def test_the_platforms_own_columns_are_complete(column):
    assert isinstance(column, StoredColumn)
    assert not missing_parts(type(column))
    assert column.description


# Rules for every kind


@pytest.fixture(params=ALL_KINDS.values(), ids=ALL_KINDS)
def kind(request):
    return request.param.sample()


def test_its_example_satisfies_its_rule_and_its_schema(kind):
    example = kind.example("some_name")

    kind.deserialize(example)
    Draft202012Validator(kind.json_schema()).validate(example)
    assert json.loads(json.dumps(example)) == example


def test_its_fast_checks_agree_with_its_rule_on_its_example(kind):
    table = Table("things", type("Thing", (Row,), {"id": Integer(), "value": type(kind).sample()}))
    example = kind.example("value")
    cell = '"{}"'.format(kind.copy_text(kind.deserialize(example)).replace('"', '""'))

    good, bad = staged(table, f"7,{cell}\n8,\n")
    verdict = json_batch.check(table, json.dumps({"rows": [{"id": 7, "value": example}]}).encode())

    assert bad == {2: ["missing"]}
    assert len(good) == 1
    (line,) = verdict.block(table).copied().decode().splitlines()
    copied = unescape(line.split("\t")[2])
    assert kind.deserialize(Cell(copied)) == kind.deserialize(example)


def test_a_value_survives_the_round_trip_through_avro(kind):
    value = kind.deserialize(kind.example("some_name"))

    avro = kind.to_avro(value)

    assert kind.copy_text(kind.from_avro(avro)) == kind.copy_text(value)
    assert kind.deserialize(kind.json_of_avro(avro)) == value
    assert kind.accepts_avro(kind.avro_type)


@pytest.mark.parametrize(
    "column",
    [*(kind.sample() for kind in ALL_KINDS.values()), *stored.COLUMNS.values()],
    ids=[*ALL_KINDS, *stored.COLUMNS],
)
def test_an_avro_text_is_one_cell_of_copy_however_it_is_stored(column):
    if not column.accepts_avro("string"):
        return
    hostile = "a\tb\nc\rd\\e"

    assert unescape(column.copy_text(column.from_avro(hostile))) == hostile


def test_its_sql_templates_have_one_placeholder(kind):
    sent = kind.bulk.send if kind.bulk is not None else ()

    for template in (kind.avro_sql, kind.postgres_canonical, kind.bigquery_canonical, *sent):
        assert "the column" in template.format("the column")


def test_its_reject_reasons_are_sentences(kind):
    for reason in kind.reasons.values():
        assert reason.template.endswith(".")
    with pytest.raises(ValidationError) as caught:
        kind.deserialize(NotFinite("NaN") if type(kind) is KINDS["Json"] else ["no", "lists"])
    assert caught.value.messages[0].code in {"not_finite", *kind.reasons}


def test_copy_text_is_unescaped_to_the_original():
    for text in ("", "plain", "\\N", "a\tb\nc\rd\\e", "\\t"):
        assert unescape(escape(text)) == text


# A toy kind in CSV, JSON, OpenAPI and the dashboard's form


def test_csv_validation_handles_a_new_kind():
    good, bad = staged(
        ROOMS,
        'id,window,name,built\n1,true,Attic,2021-07-27\n2,yes,"a, b",2021-02-30\n'
        '"3","false","a, ""b""","0001-01-01"\n4,false,,2021-07-27\n5,true,Cellar,x\n',
    )

    assert good == ["2\t1\ttrue\tAttic\t2021-07-27", '4\t3\tfalse\ta, "b"\t0001-01-01']
    assert bad == {3: ["not_a_flag", "not_a_day"], 5: ["missing"], 6: ["not_a_day"]}


def test_json_validation_handles_a_new_kind():
    rows = [
        room(1),
        room(2, window="true"),
        room(3, built="2021-7-27"),
        room(4, built=5, name=" "),
        room(5, built='"quoted"'),
        room(6, window=False),
    ]

    verdict = json_batch.check(ROOMS, json.dumps({"rows": rows}).encode())

    assert verdict.block(ROOMS).copied().decode().splitlines() == [
        "0\t1\ttrue\tAttic\t2021-07-27",
        "5\t6\tfalse\tAttic\t2021-07-27",
    ]
    rejects = verdict.rejects
    assert [
        (r.position, msgspec.json.decode(r.raw), [e.code for e in r.errors]) for r in rejects
    ] == [
        (1, rows[1], ["not_a_flag"]),
        (2, rows[2], ["not_a_day"]),
        (3, rows[3], ["blank", "not_a_day"]),
        (4, rows[4], ["not_a_day"]),
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"rows":[{"id":1,"window":true,"name":"x","built":"2021-07-27","id":2}]}', "/rows/0"),
        (b'{"rows":[{"id":1,"window":true,"name":"x","built":{"a":1,"a":2}}]}', "/rows/0"),
    ],
)
def test_a_duplicate_key_is_found_in_a_row_with_a_kind_that_opts_out(body, pointer):
    with pytest.raises(json_batch.BadBatch) as caught:
        json_batch.check(ROOMS, body)

    assert (caught.value.code, caught.value.pointer) == ("duplicate_key", pointer)


def test_a_new_kind_is_in_the_api_document_and_in_the_form(monkeypatch):
    found = api_docs.build({"rooms": ROOMS})["components"]["schemas"]["rooms"]
    monkeypatch.setattr(tables, "all_tables", lambda: {"rooms": ROOMS})
    (form,) = dashboard.forms(read({})).tables

    assert found["properties"]["window"] == {
        "type": "boolean",
        "description": "Whether it has a window",
    }
    assert found["required"] == list(ROOMS.names)
    assert found["examples"] == [json_schema.example(ROOMS)]
    assert isinstance(by_schema(ROOMS, json_schema.example(ROOMS)), dict)
    assert [(field.name, field.input.placeholder) for field in form.fields] == [
        ("id", ""),
        ("window", "true"),
        ("name", ""),
        ("built", "2021-07-27"),
    ]


# Opting out of the fast checks affects only the field's own column


def test_a_kind_that_opts_out_affects_only_its_own_column():
    lines = plain.PlainLines(ROOMS, range(4))

    assert lines.undecided == [3]
    assert lines.end(b"1,true,Attic,2021-07-27\n", 0) == 24
    assert lines.end(b"1,maybe,Attic,2021-07-27\n", 0) == 0
    assert lines.end(b'1,true,Attic,"2021-07-27"\n', 0) == 0


def test_a_tables_own_rule_disables_the_fast_checks_for_its_column_only():
    class Job(Row):
        """A job with one of two names."""

        id = Integer(minimum=1)
        job = Text(validate=OneOf(["Welder", "Smith\tJr"]))

    table = Table("jobs", Job)

    good, bad = staged(table, "1,Welder\n2,Baker\n3,Smith\tJr\n0,Welder\n")

    assert [field.is_quick_in_csv for field in table.fields.values()] == [True, False]
    assert [field.is_quick_in_json for field in table.fields.values()] == [True, False]
    assert sorted(good) == ["1\t1\tWelder", "3\t3\tSmith\\tJr"]
    assert bad == {2: ["rule_broken"], 4: ["out_of_range"]}


class Even(Integer):
    """A subclass with its own rule that inherits the fast checks."""

    def from_json(self, value):
        """Half as many."""
        if super().from_json(value) % 2:
            raise refuse("not_an_integer")
        return value


class Named(Text):
    """A subclass that leaves the fast checks valid."""

    def __init__(self, **options):
        super().__init__(max_length=5, **options)


class Shouted(Text):
    """A subclass with its own rule and pattern that inherits the encoder and the bulk check."""

    cell_pattern = "[A-Z]+"
    json_type = str

    def from_json(self, value):
        """Only capitals."""
        if not super().from_json(value).isupper():
            raise refuse("not_text")
        return value


def test_fast_checks_are_disabled_when_a_subclass_overrides_the_rule():
    assert not Even().is_quick_in_csv
    assert not Even().is_quick_in_json
    assert Named().is_quick_in_csv
    assert Named().is_quick_in_json
    assert not Shouted().is_quick_in_csv
    assert not Shouted().is_quick_in_json
    assert not Even().is_quick_in_avro
    assert Named().is_quick_in_avro
    assert not Shouted().is_quick_in_avro
    assert not Text(validate=OneOf(["Welder"])).is_quick_in_avro


@pytest.mark.parametrize("kind", [Even, Named, Shouted])
def test_a_subclass_applies_its_own_rule_to_csv_and_json(kind):
    table = Table("things", type("Thing", (Row,), {"id": Integer(minimum=1), "value": kind()}))
    values = ["ABC", "abc", "ABCDEFG", "4", "5"]
    expected = {
        line: [error.code for error in verdict]
        for line, value in enumerate(values, 1)
        if isinstance(verdict := by_schema(table, {"id": line, "value": Cell(value)}), tuple)
    }

    _, bad = staged(table, "".join(f"{line},{value}\n" for line, value in enumerate(values, 1)))

    assert bad == expected
    given = [{"id": 1, "value": int(v) if kind is Even and v.isdigit() else v} for v in values]
    verdict = json_batch.check(table, json.dumps({"rows": given}).encode())
    assert {reject.position + 1 for reject in verdict.rejects} == set(expected)


def test_a_field_declared_elsewhere_keeps_its_kind():
    assert Named().postgres_type == Text().postgres_type
    assert Timestamp().json_type is str
