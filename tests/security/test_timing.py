"""The time to check a token reveals nothing about the configured tokens."""

import hashlib
import hmac

import pytest

from shared.http import tokens
from shared.settings import Token

NAMES = [f"token-{number}" for number in range(20)]
CONFIGURED = [
    Token(name, hashlib.sha256(name.encode()).hexdigest(), frozenset(), None) for name in NAMES
]


@pytest.mark.parametrize("presented", [NAMES[0], NAMES[-1], "nobody's"])
def test_a_token_is_compared_with_every_configured_one_in_constant_time(presented, monkeypatch):
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(
        hmac, "compare_digest", lambda one, other: compared.append(other) or compare(one, other)
    )

    found = tokens._find(presented, CONFIGURED)

    assert found == next((token for token in CONFIGURED if token.name == presented), None)
    # A search that stops at the match takes longer for the last token than for the first.
    assert compared == [token.sha256 for token in CONFIGURED]
