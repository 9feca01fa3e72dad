"""Checks the values of query and path parameters."""

from uuid import UUID

from shared.http.problems import Problem


def whole_number(name: str, text: str, largest: int) -> int:
    """Parse a whole number from 1 to `largest`.

    Raises:
        Problem: 400, the text is something else.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= largest):
        raise unusable(name, f"is a whole number from 1 to {largest}")
    return int(text)


def uuid(name: str, text: str) -> UUID:
    """Parse a UUID.

    Raises:
        Problem: 400, the text is something else.
    """
    try:
        return UUID(text)
    except ValueError:
        raise unusable(name, "is a UUID") from None


def unusable(name: str, rule: str) -> Problem:
    """Return the problem for a parameter whose value breaks the rule."""
    return Problem(400, "unusable-filter", f"{name[:100]!r} {rule}.", parameter=name[:100])
