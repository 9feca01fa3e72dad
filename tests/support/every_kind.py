"""Values of every kind of field, with the ways in which they may be sent, and ones to reject.

A value is what PostgreSQL's driver returns for it. The oracle is the value itself: nothing here
asks the kinds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context
from decimal import Decimal as Number
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from shared.tables import (
    Boolean,
    Choice,
    Date,
    Decimal,
    Float,
    Integer,
    Json,
    LocalTimestamp,
    Text,
    Time,
    Timestamp,
    Uuid,
)
from shared.tables.kind import Kind

# PostgreSQL holds neither NUL nor half a surrogate pair.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")


@dataclass(frozen=True)
class Sample:
    """Fields of a kind to make, and values for them.

    Attributes:
        options: the options of a field.
        values: for some options, the values that the field accepts.
        spellings: for a value, the cells that stand for it and the JSON texts that do.
        bad_cells: cells that no options accept.
        bad_json: JSON values that no options accept.
    """

    kind: type[Kind]
    options: st.SearchStrategy[dict[str, Any]]
    values: Callable[..., st.SearchStrategy[Any]]
    spellings: Callable[[Any], tuple[list[str], list[str]]]
    bad_cells: tuple[str, ...]
    bad_json: tuple[Any, ...]


def _integers(minimum: int = -(2**63), maximum: int = 2**63 - 1) -> st.SearchStrategy[int]:
    return st.integers(minimum, maximum)


def _decimals(digits: int = 18, places: int = 2) -> st.SearchStrategy[Number]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda whole: Number(whole).scaleb(-places, _LONG))


_LONG = Context(prec=400)


def _of_decimal(value: Number) -> tuple[list[str], list[str]]:
    text = f"{value:f}"
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return [text, short], [f'"{text}"', text, short, f'"{short}"', f"{value:E}"]


def _of_float(value: float) -> tuple[list[str], list[str]]:
    return [repr(value), f"{value:.17e}"], [repr(value), f"{value:.17e}"]


def _of_text(value: str) -> tuple[list[str], list[str]]:
    return [value], [json.dumps(value), json.dumps(value, ensure_ascii=False)]


def _quoted(*texts: str) -> tuple[list[str], list[str]]:
    return list(texts), [json.dumps(text) for text in texts]


def _of_moment(value: datetime) -> tuple[list[str], list[str]]:
    east = value.astimezone(timezone(timedelta(hours=5, minutes=30)))
    return _quoted(value.isoformat().replace("+00:00", "Z"), value.isoformat(), east.isoformat())


def _moments() -> st.SearchStrategy[datetime]:
    # An offset must not move them out of the years 0001 to 9999.
    return st.datetimes(
        datetime.min + timedelta(days=2),  # noqa: DTZ901
        datetime.max - timedelta(days=2),  # noqa: DTZ901
        timezones=st.just(UTC),
    )


def _of_iso(value: date | time) -> tuple[list[str], list[str]]:
    return _quoted(value.isoformat())


def _of_boolean(value: bool) -> tuple[list[str], list[str]]:
    word = str(value)
    return [word, word.lower(), word.upper()], [word.lower()]


def _of_json(value: Any) -> tuple[list[str], list[str]]:
    texts = [json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)]
    return texts, texts


_SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or abs(x) > 1e-300),
    st.text(CHARACTERS, max_size=8),
)
_ANY_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(st.one_of(inner, st.none()), max_size=3),
        st.dictionaries(st.text(CHARACTERS, max_size=4), inner, max_size=3),
    ),
    max_leaves=6,
)


def _choices(of: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from(of)


def _any_json() -> st.SearchStrategy[Any]:
    return _ANY_JSON


SAMPLES = (
    Sample(
        Integer,
        st.sampled_from(
            [{}, {"minimum": 1}, {"minimum": -5, "maximum": 300}, {"minimum": 10, "maximum": 12}]
        ),
        _integers,
        lambda value: ([str(value)], [str(value)]),
        ("x", "1.0", "1e3", "+1", " 1", "1_0", "９", "9" * 30, "-", "1\x00"),
        (1.5, "1", True, [1], {}, 2**64),
    ),
    Sample(
        Decimal,
        st.sampled_from(
            [
                {},
                {"digits": 38, "places": 9},
                {"digits": 5, "places": 0},
                {"digits": 30, "places": 15},
                {"digits": 4, "places": 4},
            ]
        ),
        _decimals,
        _of_decimal,
        ("x", "1e3", "1.", ".5", "+1", "1,5", "NaN", "Infinity", " 1", "1_0", "9" * 80),
        (True, [1], {}, "1e3", "NaN", " 1", 10**80, 1e-40),
    ),
    Sample(
        Float,
        st.sampled_from([{}, {"minimum": -90, "maximum": 90}]),
        lambda minimum=None, maximum=None: st.floats(
            minimum, maximum, allow_nan=False, allow_infinity=False
        ).map(lambda value: value + 0.0),
        _of_float,
        ("x", "1.", ".5", "NaN", "inf", "Infinity", "1e999", "-1e999", "0x1p3", " 1", "1_0"),
        ("1.5", True, [1.5], {}),
    ),
    Sample(
        Boolean,
        st.just({}),
        st.booleans,
        _of_boolean,
        ("1", "0", "yes", "t", "true ", "truefalse"),
        (1, 0, "true", [], {}),
    ),
    Sample(
        Text,
        st.sampled_from([{}, {"max_length": 3}, {"pattern": "[A-Z]{3}", "example": "USD"}]),
        lambda max_length=1000, pattern=None, example=None: (
            st.text("ABC", min_size=3, max_size=3)
            if pattern
            else st.text(CHARACTERS, min_size=1, max_size=min(max_length, 20)).filter(str.strip)
        ),
        _of_text,
        (" ", "\t", "x" * 1001, "a\x00b"),
        (1, True, [], " ", "", "x" * 1001, "a\x00b", "\ud800"),
    ),
    Sample(
        Choice,
        st.just({"of": ("open", "paid, sent", 'a "b"', "tab\tin")}),
        _choices,
        _of_text,
        ("Open", "open ", "paid", "x"),
        ("Open", 1, True, ["open"], {}),
    ),
    Sample(
        Date,
        st.just({}),
        st.dates,
        _of_iso,
        ("2021-02-29", "2021-13-01", "2021-1-1", "20210101", "0000-01-01", "2021-01-01T00:00:00"),
        ("2021-02-29", 20210101, True, [], "10000-01-01", "2021-01-01\n2021-01-01"),
    ),
    Sample(
        Time,
        st.just({}),
        st.times,
        _of_iso,
        ("24:00:00", "12:60:00", "12:00", "12:00:60", "12:00:00Z", "12:00:00.1234567"),
        ("24:00:00", 12, True, [], "12:00:00\n"),
    ),
    Sample(
        Timestamp,
        st.just({}),
        _moments,
        _of_moment,
        ("2021-02-29T00:00:00Z", "2021-01-01T00:00:00", "2021-01-01", "2021-01-01 00:00:00Z"),
        ("2021-02-29T00:00:00Z", "2021-01-01T00:00:00", 1, [], "0001-01-01T00:00:00+14:00"),
    ),
    Sample(
        LocalTimestamp,
        st.just({}),
        st.datetimes,
        _of_iso,
        ("2021-02-29T00:00:00", "2021-01-01T00:00:00Z", "2021-01-01", "2021-01-01 00:00:00"),
        ("2021-02-29T00:00:00", "2021-01-01T00:00:00Z", 1, []),
    ),
    Sample(
        Uuid,
        st.just({}),
        st.uuids,
        lambda value: _quoted(str(value), str(value).upper()),
        ("x", "0f8fad5bd9cb469fa16570867728950e", "{0f8fad5b-d9cb-469f-a165-70867728950e}"),
        (1, [], "0f8fad5b-d9cb-469f-a165-70867728950g"),
    ),
    Sample(
        Json,
        st.just({}),
        _any_json,
        _of_json,
        ("x", "{", "null", "NaN", '{"a":1,"a":2}', "'a'", '"\\u0000"', "[" * 101 + "]" * 101),
        ("a\x00b", {"a": "\ud800"}, {"a\x00": 1}, 10**100),
    ),
)
"""Every kind of field."""


def _by_digits(value: Any) -> Any:
    """Replace numbers by their digits: jsonb writes some floats without point or exponent."""
    if isinstance(value, dict):
        return {name: _by_digits(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_by_digits(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return Number(repr(value)) if value else Number()


def same(kind: Kind, stored: Any, sent: Any) -> bool:
    """Return whether PostgreSQL's driver has returned the value that was sent."""
    if isinstance(kind, Json):
        return _by_digits(stored) == _by_digits(sent)
    if isinstance(kind, Float):
        return (
            type(stored) is float
            and math.copysign(1, stored) == math.copysign(1, sent)
            and (stored == sent)
        )
    return bool(stored == sent) and isinstance(stored, (bool, int, Number, str, time, date, UUID))
