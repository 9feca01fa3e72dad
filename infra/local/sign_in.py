"""Links that sign a browser in to the dashboard, once.

A link holds a code in its fragment, which browsers do not send. The dashboard's page exchanges the
code for the platform's token at /sign-in, and the code is gone.
"""

import hashlib
import secrets
import time

from infra.local.home import Home, write_private

PATH = "/sign-in"
SECONDS = 600


def link(home: Home, gateway: str) -> str:
    """Make a link."""
    folder = home.run / "sign-in"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.stat().st_mtime < time.time() - SECONDS:
            old.unlink(missing_ok=True)
    code = secrets.token_urlsafe(24)
    write_private(folder / _name(code), "")
    return f"{gateway}/dashboard#sign-in={code}"


def exchange(home: Home, code: str) -> str | None:
    """Return the platform's token for a code that was not used before, or None."""
    file = home.run / "sign-in" / _name(code)
    try:
        made_at = file.stat().st_mtime
        # Of two browsers that come at once, only one removes the file.
        file.unlink()
    except FileNotFoundError:
        return None
    return home.secret(home.token_file) if made_at > time.time() - SECONDS else None


def _name(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
