"""What no log may hold: secrets, and values of rows. Looked for in every log of a test run."""

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.local.home import Home

CANARY = "canary-7f3a"
"""Tests that plant a value to look for begin it so."""

NUMBER = 776655443322117
"""The same for integers."""

ROW_VALUES = (CANARY, str(NUMBER), "Welder", "Recruiter", "Tester")
"""Values that rows of many tests have, and nothing else is called."""

TOKENS = ("ann's token", "bob's token", "rows-token", "metrics-token", "expired-token")
"""Tokens for functions that tests call in-process."""


def of_home(home: Home) -> Iterator[tuple[str, str]]:
    """A platform's own secrets: what each is, and the secret."""
    yield "token", home.secret(home.token_file)
    yield "password", home.secret(home.password_file)
    yield "Pub/Sub's secret", home.secret(home.pubsub_secret)
    for number, line in enumerate(home.signing_key.read_text().splitlines()[1:-1]):
        yield f"line {number} of the signing key", line


def leaks(home: Home) -> list[str]:
    """Find where a platform's log holds a token or a row's value."""
    sought = [*of_home(home), *(("a row's value", value) for value in ROW_VALUES)]
    found = []
    for file in sorted(home.logs.glob("*.log*")):
        text = file.read_bytes()
        for what, secret in sought:
            for form in _forms(secret):
                if (place := text.find(form)) >= 0:
                    line = text[text.rfind(b"\n", 0, place) + 1 :].split(b"\n")[0]
                    found.append(f"{what} in {file.name}: {line[:300]!r}")
                    break
    return found


def in_lines(text: str) -> list[str]:
    """Find the log lines that a test printed which hold a token or a row's value."""
    lines = (line for line in text.splitlines() if line.startswith('{"severity"'))
    return [line for line in lines if any(value in line for value in (*ROW_VALUES, *TOKENS))]


def _forms(secret: str) -> Iterable[bytes]:
    """As it is, and as JSON and base64 write it."""
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    if len(secret) > 8:
        for shift in range(3):
            # Wherever it stands in what is encoded, these letters are the same.
            whole = base64.b64encode(bytes(shift) + secret.encode())
            yield whole[-(-shift * 8 // 6) + (1 if shift else 0) : -4]


def log_of(home: Home, part: str) -> Path:
    """A part's log."""
    return home.logs / f"{part}.log"
