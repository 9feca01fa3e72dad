"""Options of kinds that make no sense are refused when the dictionary is read."""

from datetime import UTC, datetime
from decimal import Decimal as Number

import pytest
from marshmallow import ValidationError

from shared.errors import ConfigurationError
from shared.strict_json import decode_row
from shared.tables import Choice, Date, Decimal, Float, Integer, Json, Text, Time, Timestamp

BERLIN = {"zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Integer, {"minimum": 2, "maximum": 1}, "from 2 to 1 is impossible"),
        (Integer, {"maximum": 2**63}, "within 64 bits"),
        (Decimal, {"digits": 50, "places": 2}, "at most 38 digits stand before the point"),
        (Decimal, {"digits": 2, "places": 3}, "of 2 digits with 3 places is impossible"),
        (Decimal, {"minimum": 0.1}, "0.1 cannot limit a Decimal"),
        (Decimal, {"minimum": "x"}, "'x' cannot limit a Decimal"),
        (Decimal, {"maximum": "NaN"}, "'NaN' cannot limit a Decimal"),
        (Decimal, {"digits": 3, "maximum": 100}, "from -9.99 to 100 is impossible"),
        (Float, {"minimum": float("nan")}, "give finite limits"),
        (Float, {"maximum": float("inf")}, "give finite limits"),
        (Choice, {"of": ()}, "list texts"),
        (Choice, {"of": "open"}, "list texts"),
        (Choice, {"of": ("a", "a")}, "twice"),
        (Choice, {"of": ("a", " ")}, "list texts"),
        (Date, {"minimum": "2021-02-30"}, "give days like '2021-07-27'"),
        (Date, {"minimum": "2021-01-02", "maximum": "2021-01-01"}, "in their order"),
        (Time, {"minimum": "25:00:00"}, "give times like '16:02:08'"),
        (Timestamp, {"zone": "Europe/Nowhere"}, "There is no time zone 'Europe/Nowhere'"),
        (Timestamp, {"zone": "../etc/passwd"}, "There is no time zone"),
        (Timestamp, {"ambiguous": "earlier"}, "for a field with a zone"),
        (Timestamp, {**BERLIN, "ambiguous": "first"}, "'earlier' or 'later'"),
        (Text, {"pattern": "("}, "is not a regular expression"),
        (Text, {"pattern": "[A-Z]"}, "give one with example="),
        (Text, {"pattern": "[A-Z]", "example": "1"}, "'1' is not an example"),
    ],
)
def test_an_option_without_sense_is_refused(kind, options, said):
    with pytest.raises(ConfigurationError) as caught:
        kind(**options)

    assert said in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_default_serves_as_the_example_of_a_pattern():
    assert Text(pattern="[A-Z]{3}", default="USD").example("currency") == "USD"


@pytest.mark.parametrize(
    ("ambiguous", "twice", "skipped"),
    [
        (None, "local_time_twice", "local_time_skipped"),
        (
            "earlier",
            datetime(2021, 10, 31, 0, 30, tzinfo=UTC),
            datetime(2021, 3, 28, 0, 30, tzinfo=UTC),
        ),
        (
            "later",
            datetime(2021, 10, 31, 1, 30, tzinfo=UTC),
            datetime(2021, 3, 28, 1, 30, tzinfo=UTC),
        ),
    ],
)
def test_a_local_time_that_clocks_show_twice_or_skip_is_rejected_unless_told(
    ambiguous, twice, skipped
):
    field = Timestamp(**BERLIN, ambiguous=ambiguous)

    def verdict(text):
        try:
            return field.deserialize(text)
        except ValidationError as error:
            return error.messages[0].code

    assert verdict("2021-10-31T02:30:00") == twice
    assert verdict("2021-03-28T02:30:00") == skipped
    assert verdict("2021-10-31T02:30:00+01:00") == datetime(2021, 10, 31, 1, 30, tzinfo=UTC)
    assert verdict("2021-07-01T12:00:00") == datetime(2021, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"0.10", Number("0.10")),
        (b"1e2", Number(100)),
        (b"9007199254740993.01", Number("9007199254740993.01")),
        (b"-0.0", Number(0)),
        (b'"12.5"', Number("12.5")),
        (b"7", Number(7)),
    ],
)
def test_a_decimal_is_read_digit_by_digit(text, wanted):
    found = Decimal().deserialize(decode_row(text))

    assert found == wanted
    assert not found.is_signed() or found < 0


def test_a_float_has_lost_the_digits_of_a_decimal():
    with pytest.raises(ValidationError) as caught:
        Decimal().deserialize(0.5)

    assert caught.value.messages[0].code == "not_a_decimal"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b'{"a": 0.10, "b": [1e2, true, null]}', '{"a":0.10,"b":[1e2,true,null]}'),
        (b"12345678901234567890.5", "12345678901234567890.5"),
        (b'"\\\\u0000"', '"\\\\u0000"'),
        (b"1e4000", "not_finite"),
        (b"[1" + b"0" * 120 + b"]", "json_number"),
        (b"[0." + b"1" * 120 + b"]", "json_number"),
        (b'"\\u0000"', "nul_character"),
    ],
)
def test_json_keeps_its_numbers_and_refuses_what_jsonb_cannot_hold(text, wanted):
    try:
        found = Json().deserialize(decode_row(text))
    except ValidationError as error:
        found = error.messages[0].code

    assert found == wanted
