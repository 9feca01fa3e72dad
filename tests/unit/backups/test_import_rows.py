"""Rows of a file become rows of a table: as they are, or checked by the dictionary's rules."""

import io
from datetime import UTC, datetime

import pytest
from marshmallow import ValidationError, validates_schema
from marshmallow.validate import OneOf, Range

from shared.avro import rows
from shared.avro.codecs import MAX_BLOCK_BYTES
from shared.avro.container import Reader
from shared.avro.schemas import FileSchema
from shared.backups import import_rows
from shared.backups.errors import UnusableBackup
from shared.backups.import_rows import RestoreLoad, RowImport
from shared.backups.mapping import resolve
from shared.tables import Check, Integer, Row, Table, Text, Timestamp
from shared.tables.kinds.timestamp import micros
from tests.backups.rows import LOAD_ID, NOON, file

MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
ELEVEN = NOON.replace(hour=11, microsecond=0)
FIELDS = {"id": "long", "city": "string", "opened": MICROS}
OWN = {"accepted_at": micros(NOON), "load_id": str(LOAD_ID)}


class Office(Row):
    """A place people work at."""

    id = Integer(minimum=1)
    city = Text(max_length=10)
    opened = Timestamp()


OFFICES = Table("offices", Office)


def imported(found, fields=FIELDS, table=OFFICES, *, check_rules=True):
    """What the import makes of a file's rows, as Avro values, and the import itself."""
    reader = Reader(io.BytesIO(file(fields, found)), MAX_BLOCK_BYTES)
    schema = FileSchema(reader.header.schema)
    columns = resolve(schema, table, {})
    importing = RowImport(table, columns, RestoreLoad(NOON, LOAD_ID), check_rules=check_rules)
    typed = [importing.typed(chunk) for chunk in rows.chunks(schema, reader)]
    return [record for chunk in typed for record in chunk.records()], importing


GOOD = (1, "Paris", NOON)


@pytest.mark.parametrize(
    "row",
    [
        GOOD,
        (2**63 - 1, "x" * 10, datetime.max.replace(tzinfo=UTC)),
        (1, " x ", datetime.min.replace(tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("nullable", [False, True])
def test_a_row_that_the_rules_accept_is_kept(row, nullable):
    fields = {name: ["null", kind] if nullable else kind for name, kind in FIELDS.items()}

    found, importing = imported([row], fields)

    assert found == [{"id": row[0], "city": row[1], "opened": micros(row[2]), **OWN}]
    assert importing.rejected.count == 0


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ((0, "Paris", NOON), "id"),
        ((-1, "Paris", NOON), "id"),
        ((1, "", NOON), "city"),
        ((1, " ", NOON), "city"),
        ((1, "x" * 11, NOON), "city"),
        ((1, "a\x00b", NOON), "city"),
        ((1, "Paris", 2**62), "opened"),
        ((1, "Paris", -(2**62)), "opened"),
    ],
)
def test_a_row_that_the_rules_reject_is_rejected_whatever_is_next_to_it(row, field):
    for beside in ([], [GOOD], [(2**63 - 1, "Rome", NOON)]):
        found, importing = imported([*beside, row, *beside])

        assert importing.rejected.count == 1
        (example,) = importing.rejected.examples
        assert example["key"] == {"id": row[0]}
        assert [sentence.split(":")[0] for sentence in example["errors"]] == [field]
        assert [record["city"] for record in found] == [one[1] for one in (*beside, *beside)]


def test_null_is_rejected_in_every_field():
    for place, (name, kind) in enumerate(FIELDS.items()):
        row = [*GOOD[:place], None, *GOOD[place + 1 :]]

        found, importing = imported([GOOD, row], {**FIELDS, name: ["null", kind]})

        assert [record["id"] for record in found] == [1]
        (example,) = importing.rejected.examples
        assert [sentence.split(":")[0] for sentence in example["errors"]] == [name]


def test_the_rows_of_our_own_backups_are_not_checked_again():
    now_too_long = (0, "x" * 11, NOON)

    found, importing = imported([GOOD, now_too_long], check_rules=False)

    assert [record["city"] for record in found] == ["Paris", "x" * 11]
    assert importing.rejected.count == 0


class Choosy(Row):
    """A schema with rules that its fields bring along."""

    id = Integer(minimum=1, validate=Range(max=100))
    city = Text(validate=OneOf(["Paris", "Rome"]))


class Whole(Row):
    """A schema with a rule over the whole row."""

    id = Integer(minimum=1)
    city = Text()

    @validates_schema
    def is_not_oslo(self, data, **_):
        if data.get("city") == "Oslo":
            raise ValidationError("No offices in Oslo.", "city")


@pytest.mark.parametrize("schema", [Choosy, Whole])
def test_rules_that_a_table_adds_apply_to_files(schema):
    fields = {"id": "long", "city": "string"}

    found, importing = imported(
        [(1, "Paris"), (2, "Oslo"), (3, "Rome")], fields, Table("offices", schema)
    )

    assert [record["id"] for record in found] == [1, 3]
    assert [example["key"] for example in importing.rejected.examples] == [{"id": 2}]


class Lease(Office):
    """A place, for a time."""

    closed = Timestamp(optional=True)
    floors = Integer(default=7)


LEASES = Table(
    "offices",
    Lease,
    checks=(
        Check("closed > opened", "An office closes after it opens."),
        Check("floors < 8 or city == 'Paris'", "Only Paris has towers."),
    ),
)
ONE = NOON.replace(hour=13)


def test_the_checks_of_a_table_apply_to_files():
    fields = {**FIELDS, "closed": MICROS, "floors": "long"}
    good, tower = (1, "Paris", NOON, ONE, 9), (4, "Rome", NOON, ONE, 8)

    found, importing = imported(
        [good, (2, "Paris", NOON, NOON, 9), (0, "Paris", ONE, NOON, 8), tower], fields, LEASES
    )

    assert [record["id"] for record in found] == [1]
    assert [example["errors"] for example in importing.rejected.examples] == [
        ["_row: An office closes after it opens."],
        [
            "id: Must be from 1 to 9223372036854775807; give a number in that range.",
            "_row: An office closes after it opens.",
        ],
        ["_row: Only Paris has towers."],
    ]


@pytest.mark.parametrize("lacking", [(), ("floors",)])
def test_rows_that_violate_no_check_are_taken_by_columns(monkeypatch, lacking):
    monkeypatch.setattr(import_rows, "validate_row", None)
    fields = {**FIELDS, "closed": MICROS, "floors": "long"}
    row = {"id": 1, "city": "Paris", "opened": NOON, "closed": ONE, "floors": 9}
    for name in lacking:
        del fields[name], row[name]

    found, _ = imported([tuple(row.values())] * 3, fields, LEASES)

    assert [record["city"] for record in found] == ["Paris"] * 3


class AnyText(Text):
    """A text of which any is good."""

    json_type = str
    json_check = None

    def from_json(self, value):
        """Accept it."""
        return value


class Loose(Row):
    """A schema with such a text."""

    id = Integer(minimum=1)
    city = AnyText()


def test_a_kind_whose_type_is_its_whole_rule_needs_no_further_check():
    found, importing = imported(
        [(1, " " * 2000)], {"id": "long", "city": "string"}, Table("offices", Loose)
    )

    assert [record["city"] for record in found] == [" " * 2000]
    assert importing.rejected.count == 0


def test_times_of_another_precision_stand_next_to_the_restores_own():
    fields = {**FIELDS, "accepted_at": ["null", MILLIS], "load_id": ["null", "string"]}
    other = "00000000-0000-4000-8000-000000000000"

    for check_rules in (True, False):
        found, _ = imported(
            [(*GOOD, ELEVEN, None), (*GOOD, None, other)], fields, check_rules=check_rules
        )

        assert [(record["accepted_at"], record["load_id"]) for record in found] == [
            (micros(ELEVEN), str(LOAD_ID)),
            (micros(NOON), other),
        ]


@pytest.mark.parametrize("rejected_beside", [False, True])
def test_a_files_own_columns_stay_with_their_rows(rejected_beside):
    fields = {**FIELDS, "accepted_at": MICROS, "load_id": "string"}
    others = [f"{i:08d}-0000-4000-8000-000000000000" for i in range(3)]
    found = [(i + 1, "Paris", NOON, NOON.replace(hour=i), others[i]) for i in range(3)]
    if rejected_beside:
        found.insert(0, (0, "Paris", NOON, NOON, str(LOAD_ID)))

    # The nullable text is checked row by row.
    made, _ = imported(found, {**fields, "city": ["null", "string"]})

    assert [(row["id"], row["accepted_at"], row["load_id"]) for row in made] == [
        (i + 1, micros(NOON.replace(hour=i)), others[i]) for i in range(3)
    ]


@pytest.mark.parametrize(
    ("own", "keeps"),
    [
        ({}, False),
        ({"accepted_at": MICROS}, False),
        ({"load_id": "string"}, False),
        ({"accepted_at": MICROS, "load_id": "string"}, True),
    ],
)
def test_a_file_names_its_rows_loads_only_if_it_has_both_columns(own, keeps):
    _, importing = imported([], {**FIELDS, **own})

    assert importing.keeps_own is keeps


class LargerOffice(Office):
    """A later version of the table, with defaults."""

    floors = Integer(minimum=1, default=7)
    country = Text(default="Nowhere")


def test_fields_that_the_file_lacks_get_their_defaults_and_the_file_still_names_its_loads():
    fields = {**FIELDS, "accepted_at": MICROS, "load_id": "string"}

    found, importing = imported(
        [(*GOOD, NOON, str(LOAD_ID))] * 2, fields, Table("offices", LargerOffice)
    )

    assert [(record["floors"], record["country"]) for record in found] == [(7, "Nowhere")] * 2
    assert importing.keeps_own


def test_an_import_gives_up_once_a_file_has_too_many_rejected_rows(monkeypatch):
    monkeypatch.setattr(import_rows, "_GIVEN_UP_AFTER", 20)
    bad = (0, "Paris", NOON)

    _, importing = imported([bad] * 20)
    with pytest.raises(UnusableBackup, match="21 rows") as caught:
        imported([bad] * 40)

    assert importing.rejected.count == 20
    assert len(importing.rejected.examples) == 10
    assert caught.value.code == "bad_rows"
