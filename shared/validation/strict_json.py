"""JSON without the liberties that parsers take: no doubled keys, no NaN, no bottomless depths."""

import json
from typing import Any

from shared.faults import PermanentFault


class NotStrictJson(PermanentFault):
    """A text that is not JSON, or JSON of a kind that two readers would understand differently.

    Attributes:
        code: `not_json`, `duplicate_key`, `not_finite` or `too_deep`.
    """

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


def decode(text: bytes) -> Any:
    """The JSON value that a text in UTF-8 holds.

    An integer of a hundred digits or more comes as some integer beyond every range. Half of a
    surrogate pair, written as an escape, comes through.

    Raises:
        NotStrictJson: it holds none; says what to do.
    """
    try:
        return _DECODER.decode(text.decode())
    except RecursionError:
        raise NotStrictJson("too_deep", "The JSON is nested too deeply; flatten it.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NotStrictJson("not_json", f"The body is not JSON ({place}); mend it.") from None
    except UnicodeDecodeError:
        raise NotStrictJson("not_json", "The body is not JSON in UTF-8; mend it.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in found if names.count(name) > 1)
        raise NotStrictJson(
            "duplicate_key", f"The key {doubled[:100]!r} stands twice in an object; keep one."
        )
    return found


def _no_constant(name: str) -> Any:
    raise NotStrictJson("not_finite", f"{name} is no JSON value; send a number or null.")


def _whole_number(digits: str) -> int:
    # int() refuses thousands of digits; so many already say that it is out of range.
    return int(digits) if len(digits) < 100 else (-1 if digits.startswith("-") else 1) * 10**100


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_whole_number
)
