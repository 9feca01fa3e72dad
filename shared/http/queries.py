"""Checks query and path parameters."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from flask import Request

from shared.http.problems import Problem


def check(request: Request, known: Collection[str]) -> None:
    """Check that a call has only query parameters that its route knows, and each once.

    Raises:
        Problem: 400. A misspelt parameter would otherwise give the answer to another question.
    """
    for name, values in request.args.lists():
        if name not in known:
            names = f"the parameters are {', '.join(known)}" if known else "this call takes none"
            raise unusable(name, f"is not a parameter; {names}")
        if len(values) > 1:
            raise unusable(name, "occurs more than once; send it once")


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


def moment(name: str, text: str) -> datetime:
    """Parse a moment in ISO 8601; a date is its first moment, and without an offset it is UTC.

    Raises:
        Problem: 400, the text is something else.
    """
    try:
        # A plus sign that is not escaped arrives as a space.
        found = datetime.fromisoformat(text.replace(" ", "+"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise unusable(name, "is a moment such as 2026-01-02T03:04:05Z") from None


def one_of(name: str, text: str | None, known: Sequence[str]) -> str | None:
    """Check that a parameter, if given, is one of some words.

    Raises:
        Problem: 400, it is another.
    """
    if text is not None and text not in known:
        raise unusable(name, f"is one of {', '.join(known)}")
    return text


def without_nul(name: str, text: str | None) -> str | None:
    """Check that a parameter, if given, has no NUL character, which PostgreSQL's text cannot hold.

    Raises:
        Problem: 400, it has one.
    """
    if text is not None and "\x00" in text:
        raise unusable(name, "must not contain a NUL character")
    return text


def unusable(name: str, rule: str) -> Problem:
    """Return the problem for a parameter whose value breaks the rule."""
    return Problem(400, "unusable-parameter", f"{name[:100]!r} {rule}.", parameter=name[:100])
