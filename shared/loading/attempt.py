"""Ways of loading that may turn out not to be open: undone then, and another one taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shared.lazy import pg8000
from shared.lazy import sqlalchemy as sa

T = TypeVar("T")
# 23505 unique_violation, 23503 foreign_key_violation.
_NOT_AS_IT_SHOULD_BE = ("23505", "23503")


def attempt(connection: sa.Connection, act: Callable[[], T]) -> T | None:
    """What `act` gives; None where a key stands twice or a parent is missing: all is undone then.

    Args:
        connection: inside a transaction, which goes on either way.
        act: changes tables.
    """
    try:
        with connection.begin_nested():
            return act()
    # COPY speaks to the driver itself, whose errors SQLAlchemy then does not wrap.
    except (sa.exc.DBAPIError, pg8000.exceptions.DatabaseError) as error:
        found = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        facts = found.args[0] if found is not None and found.args else None
        if isinstance(facts, dict) and facts.get("C") in _NOT_AS_IT_SHOULD_BE:
            return None
        raise
