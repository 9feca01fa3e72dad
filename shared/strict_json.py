"""Strict JSON: without duplicate keys, NaN, infinite numbers or deep nesting."""

import json
import math
import re
from collections import Counter
from itertools import accumulate
from typing import Any

import msgspec

from shared.errors import PermanentError

MAX_DEPTH = 100
"""How deeply values may be nested, since later steps walk through them again."""


class NotStrictJson(PermanentError):
    """A text that is not JSON, or JSON that two parsers may read differently.

    Attributes:
        code: `not_json`, `duplicate_key`, `not_finite` or `too_deep`.
    """

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


def decode(text: bytes) -> Any:
    """Decode a JSON text in UTF-8.

    An integer of a hundred digits or more becomes an integer beyond every range. Half of a
    surrogate pair is allowed if it is written as an escape.

    Raises:
        NotStrictJson: the text is not strict JSON; the message says what to do.
    """
    return _decoded(_DECODER, text)


def _decoded(decoder: json.JSONDecoder, text: bytes) -> Any:
    try:
        value = decoder.decode(characters(text))
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise _not_json(error.lineno, error.colno) from None
    if is_too_deep(text):
        raise _too_deep()
    return value


def characters(text: bytes) -> str:
    """Decode UTF-8.

    Raises:
        NotStrictJson: it is not UTF-8.
    """
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise NotStrictJson("not_json", "The body is not JSON in UTF-8; correct it.") from None


class NotFinite(str):
    """What stood where a number should: NaN, Infinity, or digits beyond every number."""

    __slots__ = ()


class Number(float):
    """A number with a point or an exponent, with its digits as they were sent."""

    __slots__ = ("digits",)

    def __init__(self, digits: str) -> None:
        self.digits = digits


def decode_row(text: bytes) -> Any:
    """Decode like `decode`, but give a number with a point or an exponent as `Number`.

    One that is not finite becomes `NotFinite`.

    Raises:
        NotStrictJson: the text is not strict JSON for another reason.
    """
    return _decoded(_OF_ROWS, text)


def decode_exact(text: bytes) -> Any:
    """Decode like `decode_row`, with each number as it is written, to be kept.

    A number with a point or an exponent becomes a `msgspec.Raw`, which is encoded as it is; one
    that is not finite becomes a text.
    """
    return _decoded(_EXACT, text)


def without_oddities(text: bytes) -> bytes:
    """Return a text of the same length that msgspec takes, too, and in which values end as before.

    It takes neither NaN and Infinity, which `decode_row` gives as `NotFinite`, nor half of a
    surrogate pair. Other things stand in their places, in texts as well.
    """
    for odd, usual in _ODDITIES.items():
        text = text.replace(odd, usual)
    return text


def malformed(text: bytes) -> NotStrictJson | None:
    """Return what is wrong with a text that is not JSON in UTF-8; its values are not built."""
    try:
        characters(text)
        msgspec.json.decode(without_oddities(text), type=msgspec.Raw)
    except NotStrictJson as error:
        return error
    except RecursionError:
        return _too_deep()
    except msgspec.DecodeError as error:
        place = _PLACE.search(str(error))
        before = text[: int(place[1]) if place else len(text)]
        return _not_json(before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
    return None


def may_be_too_deep(text: bytes) -> bool:
    """Return whether a text has more than `MAX_DEPTH` brackets, which few texts have."""
    return text.count(b"[") + text.count(b"{") > MAX_DEPTH


def is_too_deep(text: bytes) -> bool:
    """Return whether the values of a JSON text are nested more deeply than `MAX_DEPTH`."""
    if not may_be_too_deep(text):
        return False
    brackets = _STRING.sub(b"", text).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_DEPTH


def _not_json(line: int, column: int) -> NotStrictJson:
    place = f"line {line}, column {column}"
    return NotStrictJson("not_json", f"The body is not JSON ({place}); correct it.")


def _too_deep() -> NotStrictJson:
    return NotStrictJson(
        "too_deep", f"The JSON is nested more than {MAX_DEPTH} levels deep; flatten it."
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (doubled, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise NotStrictJson(
            "duplicate_key", f"The key {doubled[:100]!r} occurs twice in an object; keep one."
        )
    return found


def _no_constant(name: str) -> Any:
    raise NotStrictJson("not_finite", f"{name} is not a JSON value; send a number.")


def _number(digits: str) -> float:
    value = _finite(digits)
    if value is None:
        raise NotStrictJson(
            "not_finite", f"{digits[:40]} is beyond what a number holds; send a smaller one."
        )
    return value


def _finite(digits: str) -> float | None:
    value = float(digits)
    # Otherwise the number became infinite, which JSON cannot hold.
    return None if math.isinf(value) else value


def _number_of_row(digits: str) -> Number | NotFinite:
    return NotFinite(digits[:40]) if _finite(digits) is None else Number(digits)


def _number_as_written(digits: str) -> msgspec.Raw | str:
    kept = _KEPT_NUMBER.fullmatch(digits) and _finite(digits) is not None
    return msgspec.Raw(digits.encode()) if kept else digits[:40]


def _whole_number(digits: str) -> int:
    # int() refuses thousands of digits, and a hundred are already out of every range.
    return int(digits) if len(digits) < 100 else (-1 if digits.startswith("-") else 1) * 10**100


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_no_constant,
    parse_float=_number,
    parse_int=_whole_number,
)
_OF_ROWS = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant={name: NotFinite(name) for name in ("NaN", "Infinity", "-Infinity")}.__getitem__,
    parse_float=_number_of_row,
    parse_int=_whole_number,
)
_EXACT = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=str,
    parse_float=_number_as_written,
    parse_int=_whole_number,
)
_ODDITIES = {
    b"NaN": b"100",
    b"Infinity": b"10000000",
    b"\\ud": b"\\u0",
    b"\\uD": b"\\u0",
}
# jsonb holds numbers with up to 131,072 digits before the point and 16,383 behind it.
_KEPT_NUMBER = re.compile(r"[-0-9.]{1,100}(?:[eE][+-]?[0-9]{1,3})?")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_STEPS = [(byte in b"[{") - (byte in b"]}") for byte in range(256)]
_NO_BRACKETS = bytes(byte for byte, step in enumerate(_STEPS) if not step)
_PLACE = re.compile(r"\(byte (\d+)\)")
