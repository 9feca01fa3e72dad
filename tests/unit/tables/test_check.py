"""A check is a small expression over the fields of a row; one that cannot be used is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import tables
from shared.errors import ConfigurationError
from shared.tables import (
    Check,
    Decimal,
    Float,
    Integer,
    Json,
    LocalTimestamp,
    Row,
    Table,
    Text,
    Timestamp,
)
from shared.validation.row import validate_row
from tests.support import conditions
from tests.support.toy_kinds import Day, Flag


class Job(Row):
    """A job that ran."""

    id = Integer()
    parts = Integer(optional=True)
    name = Text(max_length=20)
    nick = Text(optional=True)
    started_at = Timestamp()
    ended_at = Timestamp(optional=True)
    local = LocalTimestamp(optional=True)
    day = Day(optional=True)
    done = Flag(default=False)
    late = Flag(optional=True)
    saved = Decimal(default="0.10")
    cost = Decimal(digits=38, places=22, default="1.10")
    share = Float(default=0.1)
    notes = Json(optional=True)


ROW = {"id": 7, "name": "Ada", "started_at": "2021-07-27T16:02:08Z"}


def jobs(*expressions):
    return Table("ran", Job, checks=tuple(Check(one, f"Not {one}!") for one in expressions))


def violates(expression, **values):
    """Whether a row violates a check; it is valid otherwise."""
    verdict = validate_row(jobs(expression), {**ROW, **values})
    if isinstance(verdict, dict):
        return False
    assert [(e.field, e.code) for e in verdict] == [("_row", "check_failed")]
    assert verdict[0].sentence() == f"Not {expression}!"
    return True


@pytest.mark.parametrize(
    ("expression", "good", "bad"),
    [
        ("parts == 2", {"parts": 2}, {"parts": 3}),
        ("parts != id", {"parts": 2}, {"parts": 7}),
        ("1 < parts <= id", {"parts": 7}, {"parts": 8}),
        ("parts > -1.5", {"parts": 1}, None),
        ("parts < 0.5", {}, {"parts": 1}),
        ("name < 'B'", {"name": "Ada"}, {"name": "ada"}),
        ("name == nick", {"nick": "Ada"}, {"nick": "Zoe"}),
        ("name in ('Ada', 'Zoe')", {"name": "Zoe"}, {"name": "Eve"}),
        ("name not in ('Eve',)", {"name": "Zoe"}, {"name": "Eve"}),
        # The texts of these moments have another order.
        (
            "ended_at >= started_at",
            {"ended_at": "2021-07-27T16:02:08.5Z"},
            {"ended_at": "2021-07-27T17:02:07+01:00"},
        ),
        (
            "started_at >= '2021-07-27T18:02:08+02:00'",
            {},
            {"started_at": "2021-07-27T18:02:07+02:00"},
        ),
        ("day > '2021-07-27'", {"day": "2021-07-28"}, {"day": "2021-07-27"}),
        ("day in ('2021-07-27',)", {"day": "2021-07-27"}, {"day": "2021-07-28"}),
        ("done", {"done": True}, {"done": False}),
        ("not done", {"done": False}, {"done": True}),
        ("late or done", {"done": True}, {"late": False}),
        ("late == True", {"late": True}, {"late": False}),
        ("late is None", {}, {"late": False}),
        ("done or ended_at is not None", {"done": True}, {}),
        ("not (done and ended_at is None)", {}, {"done": True}),
        # Literals are exact, or a float like the field.
        ("cost == 1.10", {}, {"cost": "1.100000000000000000001"}),
        ("cost < 1.1000000000000000000001", {}, {"cost": "1.1000000000000000000001"}),
        ("cost == '1.1'", {}, {"cost": "1.2"}),
        ("saved <= cost", {"cost": "0.1"}, {"cost": "0.09"}),
        ("cost >= parts", {"parts": 1}, {"parts": 2}),
        ("share == 0.1", {}, {"share": 0.2}),
        ("share in (0.1, 1)", {"share": 1}, {"share": 2}),
        ("share < parts", {"parts": 1}, {"share": 1, "parts": 1}),
        ("  name != 'x' and id > 1 ", {}, {"id": 1}),
    ],
)
def test_a_row_violates_a_check_if_it_is_false(expression, good, bad):
    assert not violates(expression, **good)
    if bad is not None:
        assert violates(expression, **bad)


@pytest.mark.parametrize(
    "expression",
    [
        "parts == 2",
        "not parts == 2",
        "parts != id",
        "1 < parts < 2",
        "nick in ('x',)",
        "nick not in ('x',)",
        "late",
        "not late",
        "late and id == 7",
        "not (late and id == 7)",
        "late or id == 1",
        "ended_at > started_at",
    ],
)
def test_a_comparison_with_null_is_unknown_which_violates_nothing(expression):
    assert not violates(expression)


@pytest.mark.parametrize("expression", ["late and id == 1", "not (late or id == 7)"])
def test_what_is_false_whatever_stands_for_null_is_false(expression):
    assert violates(expression)


@given(st.randoms(use_true_random=False))
def test_any_check_follows_three_valued_logic(chance):
    made = conditions.condition(chance)
    rows = [conditions.row(chance) for _ in range(20)]
    table = Table("things", conditions.Things, checks=(Check(made.text, "No."),))

    found = [isinstance(validate_row(table, row), tuple) for row in rows]

    assert found == [made.verdict(row) is False for row in rows]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", r"is no expression \(invalid syntax\); correct it\."),
        ("id >", r"is no expression \(invalid syntax\); correct it\."),
        ("id > 1; id > 2", "is no expression"),
        ("id = 1", "is no expression"),
        ("id > 1\x00", "is no expression"),
        ("ended > started_at", r"names 'ended', which is not a field; use one of id, parts, "),
        ("id in (1, 2) and nme is None", "names 'nme', which is not a field"),
        ("nme", "names 'nme'"),
        ("id == 'x'", r"compares id with 'x', which is no Integer \(not_an_integer\); write a val"),
        ("id == True", "compares id with True, which is no Integer"),
        ("done == 1", r"which is no Flag \(not_a_flag\)"),
        ("name > 5", r"compares name with 5, which is no Text \(not_text\)"),
        ("5 < name", "compares name with 5, which is no Text"),
        ("name == 1.5", "compares name with 1.5, which is no Text"),
        ("name in ('Ada', 5)", "compares name with 5, which is no Text"),
        ("name == 'a text beyond the length'", r"which is no Text \(too_long\)"),
        ("started_at > '2021-07-27'", r"which is no Timestamp \(not_a_timestamp\)"),
        ("day == '2021-02-30'", r"which is no Day \(not_a_day\)"),
        ("id > name", r"compares id \(Integer\) with name \(Text\); compare values of one type"),
        ("id > done", r"compares id \(Integer\) with done \(Flag\)"),
        ("day > started_at", r"compares day \(Day\) with started_at \(Timestamp\)"),
        ("local > started_at", r"compares local \(LocalTimestamp\) with started_at \(Timestamp\)"),
        ("cost > share", r"compares cost \(Decimal\) with share \(Float\)"),
        ("notes > name", r"compares notes \(Json\) with name \(Text\)"),
        ("notes == 'x'", r"compares notes \(Json\) with 'x'; compare values of one type"),
        ("1 < 2", "compares '1' with '2'; name a field on one side"),
        ("1 < 2 < id", "compares '1' with '2'; name a field on one side"),
        ("(id > 1) == (id > 2)", "name a field on one side"),
        ("id == None", "compares with None, which is never true; write `is None`"),
        ("None != id", "compares with None"),
        ("id is 1", "holds '1' after `is`, which takes a field and None"),
        ("id is None is None", "after `is`, which takes a field and None"),
        ("None is None", "after `is`, which takes a field and None"),
        ("id in 1", r"holds '1' after `in`, which takes a field and a tuple; write a tuple"),
        ("name in 'abc'", "after `in`, which takes a field and a tuple"),
        ("name in ('abc')", "after `in`, which takes a field and a tuple"),
        ("id in ()", "after `in`, which takes a field and a tuple"),
        ("id in [1]", "after `in`, which takes a field and a tuple"),
        ("1 in (1, 2)", "after `in`, which takes a field and a tuple"),
        ("id in (1, None)", "holds 'None', which is neither a field nor a literal"),
        ("id in (1, parts)", "holds 'parts', which is neither a field nor a literal"),
        ("id + 1 > 2", r"compares 'id \+ 1' with '2'; name a field"),
        ("id > parts + 1", r"holds 'parts \+ 1', which is neither a field nor a literal"),
        ("id > 1 + 1", r"holds '1 \+ 1', which is neither"),
        ("id > -parts", "holds 'parts', which is neither"),
        ("name > -'a'", "holds \"-'a'\", which is neither"),
        ("id > +1", r"holds '\+1', which is neither"),
        ("id > 1j", "holds '1j', which is neither"),
        ("name > b'x'", "which is neither a field nor a literal"),
        ("name > f'{id}'", "which is neither a field nor a literal"),
        ("id > len(name)", r"holds 'len\(name\)', which is neither"),
        ("len(name) > 1", r"compares 'len\(name\)' with '1'; name a field"),
        ("name.upper() == name", "which is neither"),
        ("name[0] == name", "which is neither"),
        ("id", "holds 'id', which is no condition; write comparisons of fields"),
        ("not id", "holds 'id', which is no condition"),
        ("True", "holds 'True', which is no condition"),
        ("exit()", r"holds 'exit\(\)', which is no condition"),
        ("done if late else done", "which is no condition"),
        ("lambda: done", "which is no condition"),
        ("[done]", "which is no condition"),
        ("(done := late)", "which is no condition"),
    ],
)
def test_a_check_that_cannot_be_used_is_refused(expression, said):
    table = jobs(expression)

    with pytest.raises(ConfigurationError) as caught:
        table.compiled_checks  # noqa: B018

    text = str(caught.value)
    assert text.startswith(f"Check {expression!r} of table 'ran' ")
    caught.match(said)
    assert text.count("; ") == 1 + repr(expression).count("; ")


def test_a_check_without_a_message_is_refused():
    table = Table("ran", Job, checks=(Check("id > 1", " "),))

    with pytest.raises(ConfigurationError, match="'ran' has no message; write the sentence"):
        table.compiled_checks  # noqa: B018


def test_checks_are_compiled_when_the_dictionary_is_read():
    with pytest.raises(ConfigurationError, match=r"Check 'nme == 1' of table 'ran'"):
        tables.in_order({"ran": jobs("id > 1", "nme == 1")})


def test_a_check_knows_its_fields_and_names_none_twice():
    table = jobs("parts > 1 and (name == 'x' or parts < 5)", "id > 1")

    assert [check.names for check in table.compiled_checks] == [("parts", "name"), ("id",)]
    assert table.checked_names == ("id", "parts", "name")


def test_a_check_takes_whole_columns():
    (check,) = jobs("parts <= id").compiled_checks

    assert check.violations([(1, 9, None, 8), (7, 7, 7, 7)]) == [1, 3]
    assert check.violations([(), ()]) == []
