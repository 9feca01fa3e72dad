"""The time to check a token reveals nothing about the configured tokens."""

import hashlib
import time
from statistics import median

from shared.http import tokens
from shared.settings import Token

COUNT = 2000


def seconds(presented: str, configured: list[Token]) -> float:
    def once() -> float:
        started = time.process_time()
        tokens._find(presented, configured)
        return time.process_time() - started

    return median(once() for _ in range(25))


def test_the_first_the_last_and_an_unknown_token_take_the_same_time():
    names = [f"token-{number}" for number in range(COUNT)]
    configured = [
        Token(name, hashlib.sha256(name.encode()).hexdigest(), frozenset(), None) for name in names
    ]

    first = seconds(names[0], configured)
    last = seconds(names[-1], configured)
    unknown = seconds("nobody's", configured)

    # A search that stops at the match would differ by a factor of a thousand.
    assert max(first, last, unknown) < 4 * min(first, last, unknown)
