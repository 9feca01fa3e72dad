"""Checks judge the rows of every file and batch, whichever way a row is validated."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, validates_schema
from marshmallow.validate import OneOf

from shared.tables import Check, Integer, Row, Table, Text, Timestamp
from shared.validation import csv_rows, json_batch, json_schema
from shared.validation.row import by_schema, validate_row
from tests.support import conditions
from tests.support.csv_files import staged_lines
from tests.support.toy_kinds import Day, Flag

ORDER = "An end is not before its start."
NAMED = "A shift of two has a name."


class Shift(Row):
    """A shift of work."""

    id = Integer(minimum=1)
    name = Text(optional=True)
    started_at = Timestamp()
    ended_at = Timestamp(optional=True)
    people = Integer(minimum=1, default=1)


CHECKS = (Check("ended_at >= started_at", ORDER), Check("people == 1 or name is not None", NAMED))
SHIFTS = Table("shifts", Shift, missing=("", "NULL"), checks=CHECKS)

NOON, LATER, LEAP = "2021-07-27T12:00:00Z", "2021-07-27T12:00:00.5Z", "2020-02-29T12:00:00Z"
IN_ROME = "2021-07-27T14:00:00+02:00"
BROKEN = [("_row", "check_failed", ORDER)]
UNNAMED = [("_row", "check_failed", NAMED)]


def said(errors):
    return [(e.field, e.code, e.sentence()) for e in errors]


def from_csv(text, table=SHIFTS):
    """The staged rows of a file, and the errors of the others by their line."""
    found = list(csv_rows.blocks(table, io.BytesIO(text.encode()), 1 << 20))
    rejects = {r.position: said(r.errors) for block in found for r in block.rejects}
    return staged_lines(table, found), rejects


def from_json(*rows, table=SHIFTS):
    """The stored ids of a batch, and the errors of the other rows by their index."""
    verdict = json_batch.check(table, json.dumps({"rows": rows}).encode())
    return [values[0] for values in verdict.rows.values()], {
        reject.position: said(reject.errors) for reject in verdict.rejects
    }


GOOD = f"1,a,{NOON},{LATER},2"


@pytest.mark.parametrize("beside", [[], [GOOD], [GOOD, '1,"a, b",' + f"{NOON},,1"], ["x,y"]])
@pytest.mark.parametrize(
    ("line", "errors"),
    [
        (GOOD, []),
        (f"1,,{NOON},,1", []),
        (f"1,,{NOON},{NOON},1", []),
        (f"1,,{NOON},NULL,", []),
        (f"1,,{NOON},{IN_ROME},1", []),
        (f"1,,{LEAP},{NOON},1", []),
        (f"1,a,{LATER},{NOON},2", BROKEN),
        (f"1,a,{LATER},{IN_ROME},2", BROKEN),
        (f"1,a,{NOON},{LEAP},2", BROKEN),
        (f'1,"a",{LATER},{NOON},2', BROKEN),
        (f"1,a\\b,{LATER},{NOON},2", BROKEN),
        (f'1,,"{NOON}",,2', UNNAMED),
        (f"1,NULL,{NOON},,2", UNNAMED),
        (f"1,,{LATER},{NOON},2", BROKEN + UNNAMED),
    ],
)
def test_a_row_of_a_file_that_violates_a_check_is_rejected_with_its_message(line, errors, beside):
    for lines in ([*beside, line], [line, *beside]):
        good, rejects = from_csv("\n".join(lines))

        assert rejects.get(lines.index(line) + 1, []) == errors
        assert len(good) == len([one for one in [*beside, line] if one != "x,y"]) - bool(errors)


def test_checks_are_judged_by_name_whatever_the_order_of_the_columns():
    good, rejects = from_csv(f"ended_at,id,started_at\n{NOON},1,{LATER}\n{LATER},2,{NOON}\n")

    assert good == [f"2\t\t{NOON}\t{LATER}\t1"]
    assert rejects == {2: BROKEN}


def test_a_check_over_a_missing_column_takes_its_default():
    table = Table("shifts", Shift, checks=(Check("people > 1", "More than one."),))

    assert from_csv(f"id,started_at\n1,{NOON}\n", table) == (
        [],
        {2: [("_row", "check_failed", "More than one.")]},
    )


def test_what_was_wrong_is_kept_as_it_was_sent():
    line = f'5,"a",{LATER},{IN_ROME},2'

    (block,) = csv_rows.blocks(SHIFTS, io.BytesIO(line.encode()), 1000)

    (reject,) = block.rejects
    assert reject.raw == {
        "id": "5",
        "name": "a",
        "started_at": LATER,
        "ended_at": IN_ROME,
        "people": "2",
    }
    assert (block.read, block.shaped) == (1, 1)


@pytest.mark.parametrize(
    ("row", "errors"),
    [
        ({}, []),
        ({"ended_at": None, "people": None}, []),
        ({"ended_at": IN_ROME}, []),
        ({"started_at": LEAP, "ended_at": NOON}, []),
        ({"started_at": LATER, "ended_at": IN_ROME}, BROKEN),
        ({"ended_at": LEAP}, BROKEN),
        ({"people": 2}, UNNAMED),
        ({"people": 2, "name": None}, UNNAMED),
        ({"people": 2, "name": "a"}, []),
        ({"started_at": LATER, "ended_at": NOON, "people": 2}, BROKEN + UNNAMED),
    ],
)
def test_a_row_of_a_batch_that_violates_a_check_is_rejected_with_its_message(row, errors):
    good, bad = {"id": 1, "started_at": NOON}, {"id": "x"}
    given = {"id": 7, "started_at": NOON, **row}

    # Alone, among rows that msgspec decodes, and beside one that it does not.
    for before in ([], [good], [bad]):
        ids, rejects = from_json(*before, given)
        assert rejects.get(len(before), []) == errors
        assert (7 in ids) == (not errors)
    for verdict in (validate_row(SHIFTS, given), by_schema(SHIFTS, given)):
        assert said(verdict if errors else ()) == errors
        assert isinstance(verdict, tuple if errors else dict)


def test_the_rows_of_a_batch_keep_their_values_beside_one_that_violates_a_check():
    verdict = json_batch.check(
        SHIFTS,
        json.dumps(
            {
                "rows": [
                    {"id": 1, "started_at": NOON, "ended_at": NOON},
                    {"id": 2, "started_at": LATER, "ended_at": NOON},
                    {"id": 3, "started_at": LEAP, "ended_at": NOON},
                ]
            }
        ).encode(),
    )

    assert verdict.block(SHIFTS).copied().decode().splitlines() == [
        f"0\t1\t\t{NOON}\t{NOON}\t1",
        "2\t3\t\t2020-02-29T12:00:00+00:00\t2021-07-27T12:00:00+00:00\t1",
    ]
    assert [reject.position for reject in verdict.rejects] == [1]


def test_plainly_good_rows_ask_no_rule_and_those_of_a_file_are_matched(asked):
    good, rejects = from_csv(f"{GOOD}\n1,,{NOON},,1\n" * 3)
    ids, wrong = from_json(*[{"id": 1, "started_at": NOON, "ended_at": LATER, "people": 1}] * 3)

    assert (len(good), rejects) == (6, {})
    assert (len(ids), wrong) == (3, {})
    assert asked == []


def test_good_lines_are_matched_and_those_that_violate_a_check_are_not():
    lines = [GOOD, f"1,,{NOON},,1", f"1,a,{LATER},{NOON},2", f"1,,{NOON},,2", "x"]

    good, rejects = from_csv("\n".join(lines * 500))

    assert len(good) == 1000
    assert [line % 5 for line in rejects] == [3, 4, 0] * 500


# Errors of fields


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        # A check is judged although another field is wrong, and comes after it.
        (f"0,a,{LATER},{NOON},2", ["id", ORDER]),
        (f"0,,{NOON},,2", ["id", NAMED]),
        # Not if one of its own is.
        (f"1,a,{LATER},noon,2", ["ended_at"]),
        (f"1,,{LATER},noon,2", ["ended_at", NAMED]),
        (f"1,,{LATER},{NOON},x", ["people", ORDER]),
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_errors_of_fields_come_first_and_leave_their_checks_unjudged(line, wanted, quoted):
    cells = line.split(",")
    if quoted:
        cells[2] = f'"{cells[2]}"'
    row = dict(zip(SHIFTS.names, line.split(","), strict=True))
    number = {"id": int(row["id"]), "people": int(row["people"]) if row["people"] != "x" else "x"}
    row = {name: value or None for name, value in row.items()} | number

    _, of_file = from_csv(",".join(cells))
    _, of_batch = from_json(row)

    for errors in (of_file[1], of_batch[0], said(by_schema(SHIFTS, row))):
        assert [text if field == "_row" else field for field, _, text in errors] == wanted


def test_unknown_fields_come_before_checks_too():
    errors = validate_row(SHIFTS, {"id": 1, "started_at": NOON, "people": 2, "foo": 1})

    assert [(e.field, e.code) for e in errors] == [
        ("foo", "unknown_field"),
        ("_row", "check_failed"),
    ]


def test_a_row_that_is_no_object_violates_no_check():
    errors = validate_row(SHIFTS, [1, 2])

    assert [(e.field, e.code) for e in errors] == [("_row", "not_an_object")]


@pytest.mark.parametrize("field", ["name", "people"])
def test_a_check_of_a_value_that_is_not_finite_is_not_judged(field):
    table = Table(
        "shifts", Shift, checks=(Check("name != 'NaN' and people < 5", "No."), *CHECKS[:1])
    )
    row = f'{{"id": 1, "started_at": "{LATER}", "ended_at": "{NOON}", "{field}": NaN}}'

    (reject,) = json_batch.check(table, b'{"rows": [%b]}' % row.encode()).rejects

    assert [(e.field, e.code) for e in reject.errors] == [
        (field, "not_finite"),
        ("_row", "check_failed"),
    ]
    assert reject.errors[1].sentence() == ORDER


# Schemas with rules of their own, and fields that leave the quick way


class Ruled(Shift):
    """A shift with a rule of marshmallow's."""

    @validates_schema
    def no_crowd(self, data, **_):
        if data["people"] > 100:
            raise ValidationError("Too many.", "people")


RULED = Table("ruled", Ruled, checks=CHECKS)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (f"1,a,{NOON},{LATER},2", []),
        (f"1,a,{LATER},{NOON},2", [ORDER]),
        (f"1,,{NOON},{LATER},101", ["people"]),
        (f"1,,{LATER},{NOON},101", ["people", ORDER]),
        (f"1,a,{LATER},noon,101", ["ended_at"]),
    ],
)
def test_checks_and_rules_of_the_schema_go_together(line, wanted):
    row = {name: cell or None for name, cell in zip(RULED.names, line.split(","), strict=True)}
    row |= {"id": 1, "people": int(row["people"])}

    _, of_file = from_csv(line, RULED)
    _, of_batch = from_json(row, table=RULED)

    for errors in (of_file.get(1, []), of_batch.get(0, [])):
        assert [text if field == "_row" else field for field, _, text in errors] == wanted


class Title(Text):
    """A text that is stored with capital letters, and has its own quick parts."""

    cell_pattern = "[a-z]+"
    json_type = str

    def from_json(self, value):
        return super().from_json(value).title()

    def copy_text(self, value):
        return value.title()


class Mixed(Row):
    """Fields of several ways."""

    id = Integer(minimum=1)
    day = Day(optional=True)
    open = Flag(optional=True)
    size = Text(optional=True, validate=OneOf(["s", "m"]))
    title = Title(optional=True)


@pytest.mark.parametrize(
    ("expression", "good", "bad"),
    [
        ("day > '2021-01-01'", "1,2021-01-02,true,s,abc", "1,2021-01-01,true,s,abc"),
        ("open", "1,2021-01-02,true,s,abc", "1,2021-01-02,false,s,abc"),
        ("size != 'm'", "1,2021-01-02,true,s,abc", "1,2021-01-02,true,m,abc"),
        ("title == 'abc' or id == 2", "1,,,,abc", "1,,,,abd"),
        ("title is None or day is None", "1,,true,s,abc", "1,2021-01-02,true,s,abc"),
    ],
)
def test_fields_that_leave_the_quick_way_are_compared_as_they_are_stored(expression, good, bad):
    table = Table("mixed", Mixed, checks=(Check(expression, "No."),))
    rows = []
    for line in (good, bad):
        row = {n: cell or None for n, cell in zip(table.names, line.split(","), strict=True)}
        rows.append(row | {"id": 1, "open": {"true": True, "false": False}.get(row["open"])})
    failed = [("_row", "check_failed", "No.")]

    staged, rejects = from_csv(f"{good}\n{bad}\n", table)
    _, of_batch = from_json(*rows, table=table)

    assert (len(staged), rejects) == (1, {2: failed})
    assert of_batch == {1: failed}


# All ways agree


@given(st.randoms(use_true_random=False), st.booleans())
def test_files_and_batches_judge_any_check_alike(chance, quoted):
    made = conditions.condition(chance)
    table = Table("things", conditions.Things, checks=(Check(made.text, "No."),))
    rows = [conditions.row(chance) for _ in range(10)]
    lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
    if quoted:
        lines = [line.replace(",a,", ',"a",').replace(",B,", ',"B",') for line in lines]
    wanted = [place for place, row in enumerate(rows) if made.verdict(row) is False]

    staged, of_file = from_csv("\n".join(lines), table)
    _, of_batch = from_json(*rows, table=table)

    assert [line - 1 for line in of_file] == wanted
    assert list(of_batch) == wanted
    assert len(staged) == 10 - len(wanted)


# OpenAPI


def test_the_schema_lists_the_messages():
    assert json_schema.schema(SHIFTS)["description"] == f"A shift of work.\n\n- {ORDER}\n- {NAMED}"
    assert json_schema.schema(Table("shifts", Shift))["description"] == "A shift of work."


@pytest.mark.parametrize(
    "expressions",
    [
        ("ended_at > started_at",),
        ("started_at >= '2025-01-01T00:00:00Z'",),
        ("people >= 1000 and ended_at is None",),
        ("1 < people < 3", "name == 'x'", "id != 1"),
        ("name in ('x', 'y')", "name != 'x'"),
    ],
)
def test_the_example_satisfies_the_checks(expressions):
    table = Table("shifts", Shift, checks=tuple(Check(one, "No.") for one in expressions))

    assert isinstance(validate_row(table, json_schema.example(table)), dict)


def test_a_table_has_an_example_even_if_none_is_found_that_satisfies_the_checks():
    table = Table("shifts", Shift, checks=(Check("id > people and people > id", "Never."),))

    assert json_schema.example(table)["id"] == 1
