"""The tokens of a home: the one that `up` creates, and those that users register.

The home keeps hashes only. Functions read them again whenever they change.
"""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from infra.local.errors import PlatformError
from infra.local.home import Home, write_private
from shared import tokens
from shared.settings import SCOPES

OWN_NAME = "local"


def entries(home: Home) -> list[dict[str, Any]]:
    """The entries of all tokens, as in TOKENS."""
    return [own_entry(home), *_registered(home)]


def own_entry(home: Home) -> dict[str, Any]:
    """The entry of the token that `up` creates."""
    return tokens.entry(home.secret(home.token_file), OWN_NAME, SCOPES)


def register(home: Home, name: str, scopes: Sequence[str], expires: datetime | None = None) -> str:
    """Create a token; it is stored nowhere.

    Raises:
        PlatformError: the name is taken.
    """
    token = tokens.new_token()
    with _changing(home) as registered:
        if name == OWN_NAME or name in _names(registered):
            raise PlatformError(f"There is a token of {name!r} already; revoke it first.")
        registered.append(tokens.entry(token, name, scopes, expires))
    return token


def revoke(home: Home, name: str) -> None:
    """Remove a token.

    Raises:
        PlatformError: there is no such token, or it is the one that `up` created.
    """
    if name == OWN_NAME:
        raise PlatformError(
            f"The token of {OWN_NAME!r} is the platform's own; to replace it, stop the platform "
            f"and delete {home.token_file}."
        )
    with _changing(home) as registered:
        if name not in _names(registered):
            known = ", ".join(_names(registered)) or "none"
            raise PlatformError(
                f"Nobody named {name!r} has a token; those registered are: {known}."
            )
        registered[:] = [entry for entry in registered if entry["name"] != name]


def _names(registered: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in registered]


def _registered(home: Home) -> list[dict[str, Any]]:
    if not home.tokens.exists():
        return []
    found: list[dict[str, Any]] = json.loads(home.tokens.read_text())
    return found


@contextmanager
def _changing(home: Home) -> Iterator[list[dict[str, Any]]]:
    """The registered tokens, to change in place; they are stored at the end."""
    # Not the lock of the home, which a running platform holds.
    with home.tokens.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        registered = _registered(home)
        yield registered
        write_private(home.tokens, json.dumps(registered, indent=2) + "\n")
