"""Values of query parameters and of paths, checked."""

from uuid import UUID

from shared.http.problems import Problem


def whole_number(name: str, text: str, largest: int) -> int:
    """A whole number from 1 to `largest`.

    Raises:
        Problem: 400, the text is not one.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= largest):
        raise unusable(name, f"is a whole number from 1 to {largest}")
    return int(text)


def uuid(name: str, text: str) -> UUID:
    """A UUID.

    Raises:
        Problem: 400, the text is not one.
    """
    try:
        return UUID(text)
    except ValueError:
        raise unusable(name, "is a UUID") from None


def unusable(name: str, rule: str) -> Problem:
    """The problem of a parameter whose value breaks the rule."""
    return Problem(400, "unusable-filter", f"{name[:100]!r} {rule}.", parameter=name[:100])
