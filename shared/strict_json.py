"""Strict JSON: without duplicate keys, NaN, infinite numbers or deep nesting."""

import json
import math
import re
from collections import Counter
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
        value = decoder.decode(text.decode())
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NotStrictJson("not_json", f"The body is not JSON ({place}); correct it.") from None
    except UnicodeDecodeError:
        raise NotStrictJson("not_json", "The body is not JSON in UTF-8; correct it.") from None
    # Few texts have enough brackets to be too deep.
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and is_too_deep(value):
        raise _too_deep()
    return value


class NotFinite(str):
    """What stood where a number should: NaN, Infinity, or digits beyond every number."""

    __slots__ = ()


def decode_row(text: bytes) -> Any:
    """Decode like `decode`, but give a number that is not finite as `NotFinite`.

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


def split_rows(text: str) -> list[str] | None:
    """Return the text of each row in `{"rows": [...]}`, which `decode_row` can decode.

    Returns:
        None if the text does not begin like that.
    """
    begins = _ROWS_BEGIN.match(text)
    if begins is None:
        return None
    rows, place = [], begins.end()
    while text[place] != "]":
        _, end = _OF_ROWS.raw_decode(text, place)
        rows.append(text[place:end])
        place = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
    return rows


def is_too_deep(value: Any) -> bool:
    """Return whether values are nested more deeply than `MAX_DEPTH`."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        inner = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for values in inner for v in values if isinstance(v, (dict, list))]
        if not level:
            return False
    return True


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


def _number_of_row(digits: str) -> float | NotFinite:
    value = _finite(digits)
    return NotFinite(digits[:40]) if value is None else value


def _number_as_written(digits: str) -> msgspec.Raw | str:
    return digits[:40] if _finite(digits) is None else msgspec.Raw(digits.encode())


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
    parse_constant=NotFinite,
    parse_float=_number_of_row,
    parse_int=_whole_number,
)
_EXACT = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=str,
    parse_float=_number_as_written,
    parse_int=_whole_number,
)
_ROWS_BEGIN = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"rows"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_BETWEEN = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
