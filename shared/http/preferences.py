"""What callers would rather have, and keys by which they know their calls again."""

import re

from flask import Request

from shared.http.problems import Problem

# RFC 7240: preferences with commas between them, each with parameters of its own.
_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=[,;]|$)', re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"[!-~]{1,255}")


def wait_seconds(request: Request, most: int) -> int:
    """How long the caller would wait for the work to be done: `Prefer: wait=N`.

    A preference that cannot be read is no fault, it counts as none.
    """
    found = _WAIT.search(",".join(request.headers.getlist("Prefer")))
    return min(int(found[1]), most) if found else 0


def idempotency_key(request: Request) -> str | None:
    """The key by which a repeat of the call is known, or None where it has none.

    Raises:
        Problem: 400, it cannot be a key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(
            400,
            "bad-idempotency-key",
            "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces.",
        )
    return key
