"""What calls ask for: a page of loads, or one load."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Request

from shared.api.dashboard import MAX_PAGE_LOADS
from shared.http.problems import Problem
from shared.tables.kinds.timestamp import EPOCH, micros

_DEFAULT_PAGE_LOADS = 20
_CURSOR = re.compile(r"([0-9]{1,16})-([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True)
class Cursor:
    """The last load of a page; the next page has those that are older.

    Attributes:
        started_at: when it began.
        load_id: its id, which orders loads that began together.
    """

    started_at: datetime
    load_id: UUID

    def __str__(self) -> str:
        """As callers send it; to the microsecond, and with no character that a query escapes."""
        return f"{micros(self.started_at)}-{self.load_id.hex}"


def cursor(request: Request) -> Cursor | None:
    """Where the page before has ended, if there was one.

    Raises:
        Problem: 400, no cursor of ours.
    """
    text = request.args.get("cursor")
    if text is None:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise _unusable("cursor", "is what next_cursor of the page before says")
    return Cursor(EPOCH + timedelta(microseconds=int(found[1])), UUID(found[2]))


def limit(request: Request) -> int:
    """How many loads a page may have.

    Raises:
        Problem: 400, no number in range.
    """
    text = request.args.get("limit", str(_DEFAULT_PAGE_LOADS))
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_PAGE_LOADS:
        raise _unusable("limit", f"is a whole number from 1 to {MAX_PAGE_LOADS}")
    return int(text)


def load_id(text: str) -> UUID:
    """A load's id.

    Raises:
        Problem: 400, no UUID.
    """
    try:
        return UUID(text)
    except ValueError:
        raise _unusable("load_id", "is a UUID") from None


def _unusable(name: str, rule: str) -> Problem:
    return Problem(400, "unusable-filter", f"{name!r} {rule}.", parameter=name)
