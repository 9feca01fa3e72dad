"""A moment passes a quick way only if it exists, and the ordinary ones do pass it."""

import calendar
import re
from itertools import product

import pytest
from marshmallow import ValidationError

from shared.tables import Timestamp
from shared.tables.kind import Cell

NOON = "T12:00:00Z"
YEARS = [0, 1, 999, 1000, 1582, 1900, 2000, 2021, 2023, 2024, 2100, 2999, 3000, 9998, 9999, 10000]


@pytest.fixture
def timestamp():
    return Timestamp()


def accepts(field, value):
    try:
        field.deserialize(value)
    except ValidationError:
        return False
    return True


def ways(field, value):
    """What the rule, and then each quick way, says of a value."""
    return {
        "rule": accepts(field, value),
        "cell": accepts(field, Cell(value)),
        "pattern": re.fullmatch(field.cell_pattern, value) is not None,
        "encoder": field.cell_encoder(value) is not None,
        "json": field.json_check([value]),
    }


def exists(year, month, day):
    return (
        1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    )


@pytest.mark.parametrize("year", YEARS)
def test_a_day_passes_if_the_calendar_has_it_and_a_quick_way_passes_no_other(timestamp, year):
    for month, day in product(range(14), range(33)):
        value = f"{year:04}-{month:02}-{day:02}{NOON}"

        found = ways(timestamp, value)

        real = exists(year, month, day)
        leap = (month, day) == (2, 29)
        assert found == {
            "rule": real,
            "cell": real,
            "encoder": real,
            "pattern": real and not leap and 1000 <= year <= 2999,
            "json": real and not leap and 2 <= year <= 9998,
        }, value


# The rule's verdict, then whether a plain line takes it, the encoder of a cell, and a JSON column.
OF_ALL_WAYS = (True, True, True, True)
OF_NONE = (False, False, False, False)
OF_JSON = (True, False, False, True)
OF_THE_RULE = (True, False, False, False)


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("T00:00:00Z", OF_ALL_WAYS),
        ("T23:59:59Z", OF_ALL_WAYS),
        ("T19:09:09Z", OF_ALL_WAYS),
        ("T24:00:00Z", OF_NONE),
        ("T29:00:00Z", OF_NONE),
        ("T30:00:00Z", OF_NONE),
        ("T23:60:00Z", OF_NONE),
        ("T23:59:60Z", OF_NONE),
        ("T00:00:00.1Z", OF_ALL_WAYS),
        ("T00:00:00.123456Z", OF_ALL_WAYS),
        ("T00:00:00.1234567Z", OF_NONE),
        ("T00:00:00.Z", OF_NONE),
        ("T00:00:00,1Z", OF_NONE),
        ("T00:00:00_1Z", OF_NONE),
        ("T00:00Z", OF_NONE),
        ("T00Z", OF_NONE),
        ("T00:00:00", OF_NONE),
        ("T00:00:00z", OF_NONE),
        ("t00:00:00Z", OF_NONE),
        (" 00:00:00Z", OF_NONE),
        ("T00:00:00 Z", OF_NONE),
        ("T00:00:00Z ", OF_NONE),
        ("T00:00:00Z\n", OF_NONE),
        ("T00:00:00ZZ", OF_NONE),
        ("T٠٠:00:00Z", OF_NONE),
        ("T00:00:0１Z", OF_NONE),
        ("T00:00:00+00:00", OF_JSON),
        ("T00:00:00-14:59", OF_JSON),
        ("T00:00:00+15:00", OF_THE_RULE),
        ("T00:00:00+20:00", OF_THE_RULE),
        ("T00:00:00-23:59", OF_THE_RULE),
        ("T00:00:00+24:00", OF_NONE),
        ("T00:00:00+00:60", OF_NONE),
        ("T00:00:00-05:99", OF_NONE),
        ("T00:00:00+0200", OF_NONE),
        ("T00:00:00+02", OF_NONE),
        ("T00:00:00+02:00:00", OF_NONE),
        ("T00:00:00 02:00", OF_NONE),
    ],
)
def test_a_time_of_day_passes_the_ways_that_may_decide_it(timestamp, rest, wanted):
    found = ways(timestamp, f"2021-07-27{rest}")

    rule, pattern, encoder, json = wanted
    assert found == {
        "rule": rule,
        "cell": rule,
        "pattern": pattern,
        "encoder": encoder,
        "json": json,
    }


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_an_offset_that_leads_out_of_the_calendar_is_left_to_the_rule(timestamp, value):
    assert ways(timestamp, value) == dict.fromkeys(
        ["rule", "cell", "pattern", "encoder", "json"], False
    )


def test_a_column_is_good_only_if_each_of_its_values_is(timestamp):
    good, bad = f"2021-07-27{NOON}", f"2021-02-30{NOON}"

    assert timestamp.json_check([])
    assert timestamp.json_check([good, good])
    assert not timestamp.json_check([good, bad])
    assert not timestamp.json_check([bad, good])


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\t", "\x00", "\u2028"])
def test_two_moments_in_one_value_are_none(timestamp, end):
    good = f"2021-07-27{NOON}"

    for value in (f"{good}{end}{good}", f"{good}{end}", f"{end}{good}", ""):
        assert not timestamp.json_check([value]), value
        assert not any(ways(timestamp, value).values())


def test_a_time_zone_of_the_field_stands_in_for_an_offset_by_the_rule_only():
    field = Timestamp(zone="UTC")

    found = ways(field, "2021-07-27T12:00:00")

    assert found == {"rule": True, "cell": True, "pattern": False, "encoder": False, "json": False}
