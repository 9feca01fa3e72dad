"""Which HTTP requests web pages sent: the stand-ins do not authenticate, so they refuse these.

A page's request carries an Origin, or, if the page's name resolves to this machine, a foreign Host.
"""

from urllib.parse import urlsplit

_OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

REFUSAL = "This stand-in accepts requests from programs on this machine only, not from web pages.\n"


def is_foreign(host: str, origin: str | None) -> bool:
    """Whether a request with these headers came from a web page that the server did not serve."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return True
    return name not in _OWN_NAMES or origin not in (None, f"http://{host}")
