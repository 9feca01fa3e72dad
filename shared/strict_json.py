"""Strict JSON: without duplicate keys, NaN, infinite numbers or deep nesting."""

import json
import math
from collections import Counter
from typing import Any

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
    try:
        value = _DECODER.decode(text.decode())
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
    raise NotStrictJson("not_finite", f"{name} is not a JSON value; send a number or null.")


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        # The number became infinite, which JSON cannot hold.
        raise NotStrictJson(
            "not_finite", f"{digits[:40]} is beyond what a number holds; send a smaller one."
        )
    return value


def _whole_number(digits: str) -> int:
    # int() refuses thousands of digits, and a hundred are already out of every range.
    return int(digits) if len(digits) < 100 else (-1 if digits.startswith("-") else 1) * 10**100


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_no_constant,
    parse_float=_number,
    parse_int=_whole_number,
)
