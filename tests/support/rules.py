"""The rules for a row, written a second time: what every gate must say, and nothing of how.

None of this calls `shared.validation` or a rule of `shared.tables`: a gate compared with these
functions cannot share a mistake with them. Of a table they use the names and kinds of its fields.
"""

import calendar
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from shared.tables import Integer, Table, Text, Timestamp

LARGEST = 9_223_372_036_854_775_807
LONGEST = 1000
MOST_UNKNOWN = 20

_MOMENT = re.compile(
    "([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    "(?:[.]([0-9]{1,6}))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_ESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


class Wrong(NamedTuple):
    """An error, as the rules name it: never equal to a value of a row."""

    field: str
    code: str
    facts: dict[str, Any]


class _No(Exception):
    def __init__(self, code: str, **facts: Any) -> None:
        self.code, self.facts = code, facts


def of_cells(table: Table, cells: Sequence[str]) -> list[Any]:
    """The values of a CSV row of the right width; or all its errors."""
    given = dict(zip(table.names, cells, strict=True))
    return _validated(
        table, {name: cell for name, cell in given.items() if cell != ""}, in_csv=True
    )


def of_json(table: Table, row: Any) -> list[Any]:
    """The values of a row as JSON holds it; or all its errors, those of unknown fields last."""
    if not isinstance(row, dict):
        return [Wrong("_row", "not_an_object", {})]
    found = _validated(table, row, in_csv=False)
    unknown = sorted(set(row) - set(table.names))[:MOST_UNKNOWN]
    if not unknown:
        return found
    return [
        *(error for error in found if isinstance(error, Wrong)),
        *(Wrong(_visible(name), "unknown_field", {}) for name in unknown),
    ]


def of_copy(table: Table, cells: Sequence[str]) -> list[Any]:
    """The values that PostgreSQL stores for a row's fields as COPY text."""
    assert len(cells) == len(table.names), cells
    return [
        _stored(table, name, _unescaped(cell))
        for name, cell in zip(table.names, cells, strict=True)
    ]


def _validated(table: Table, row: Mapping[str, Any], *, in_csv: bool) -> list[Any]:
    values, errors = [], []
    for name in table.names:
        try:
            values.append(_value(table, name, row.get(name), in_csv=in_csv))
        except _No as no:
            errors.append(Wrong(name, no.code, no.facts))
    return errors or values


def _value(table: Table, name: str, given: Any, *, in_csv: bool) -> Any:
    if given is None:
        raise _No("missing")
    if _holds_no_number(given):
        raise _No("not_finite")
    field = table.fields[name]
    if type(field) is Integer:
        return _integer_of(given) if in_csv else _integer(given)
    if type(field) is Text:
        return _text(given)
    assert type(field) is Timestamp
    return _moment(given)


def _holds_no_number(given: Any) -> bool:
    if isinstance(given, dict):
        return any(_holds_no_number(value) for value in given.values())
    if isinstance(given, list):
        return any(_holds_no_number(value) for value in given)
    return isinstance(given, float) and not math.isfinite(given)


def _integer_of(cell: str) -> int:
    digits = cell[1:] if cell[0] == "-" else cell
    if digits == "" or set(digits) - set("0123456789"):
        raise _No("not_an_integer")
    # Python reads no more digits than these.
    return _integer(int(cell) if len(cell) <= 4000 else LARGEST + 1)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _No("not_an_integer")
    if value < 1 or value > LARGEST:
        raise _No("out_of_range", minimum=1, maximum=LARGEST)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _No("not_text")
    if "\0" in value:
        raise _No("nul_character")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise _No("not_unicode")
    if all(character.isspace() for character in value):
        raise _No("blank")
    if len(value) > LONGEST:
        raise _No("too_long", maximum=LONGEST, length=len(value))
    return value


def _moment(value: Any) -> datetime:
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _No("not_a_timestamp")
    year, month, day, hour, minute, second = (int(found[group]) for group in range(1, 7))
    decimals, offset = found[7] or "", found[8]
    sign, ahead_h, ahead_m = "+", 0, 0
    if offset not in (None, "Z"):
        sign, ahead_h, ahead_m = offset[0], int(offset[1:3]), int(offset[4:6])
    if not (
        year >= 1
        and 1 <= month <= 12
        and 1 <= day <= calendar.monthrange(year, month)[1]
        and max(hour, ahead_h) <= 23
        and max(minute, second, ahead_m) <= 59
    ):
        raise _No("not_a_timestamp")
    if offset is None:
        raise _No("no_offset")
    ahead = timedelta(hours=ahead_h, minutes=ahead_m)
    micros = int(decimals.ljust(6, "0"))
    local = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
    try:
        return local - ahead if sign == "+" else local + ahead
    except OverflowError:
        raise _No("timestamp_out_of_range") from None


def _stored(table: Table, name: str, text: str) -> Any:
    field = table.fields[name]
    if type(field) is Integer:
        return int(text)
    if type(field) is Text:
        return text
    # PostgreSQL reads what it calls ISO 8601: this much of it is all that may be sent.
    found = _MOMENT.fullmatch(text)
    assert found is not None, text
    assert found[8] is not None, text
    return _moment(text)


def _unescaped(cell: str) -> str:
    """COPY text, read by PostgreSQL's manual; a backslash before anything else is an error here."""
    found, place = [], 0
    while place < len(cell):
        pair = cell[place : place + 2]
        assert pair[0] != "\\" or pair in _ESCAPES, cell
        assert pair[0] not in "\t\n\r\0", cell
        found.append(_ESCAPES.get(pair, pair[0]))
        place += 2 if pair in _ESCAPES else 1
    return "".join(found)


def _visible(name: str) -> str:
    shown = {"\0": "\u2400"} | {chr(half): "\ufffd" for half in range(0xD800, 0xE000)}
    return "".join(shown.get(character, character) for character in name)
