"""The certificates that sign identity tokens, fetched seldom."""

import json
import time
import urllib.request
from threading import Lock
from urllib.error import URLError
from urllib.parse import urlsplit

from shared import logs
from shared.http.problems import RETRY_SECONDS, Problem

_FRESH_SECONDS = 3600
_REFETCH_SECONDS = 60
_FETCH_TIMEOUT_SECONDS = 5
_LARGEST_BYTES = 1 << 20


class Certificates:
    """The certificates that sign identity tokens, by key id; fetched anew each hour.

    A key id that is not among them makes for an earlier fetch, once a minute at most.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._url = ""
        self._fetched_at = 0.0
        self._found: dict[str, str] = {}

    def having(self, key_id: str, url: str) -> dict[str, str]:
        """The certificates, with `key_id` among them if it exists at all.

        Raises:
            Problem: 503, there are none and none can be had.
        """
        with self._lock:
            age = time.monotonic() - self._fetched_at
            limit = _FRESH_SECONDS if key_id in self._found else _REFETCH_SECONDS
            if url != self._url or not self._found or age > limit:
                self._refetch(url)
            return self._found

    def _refetch(self, url: str) -> None:
        try:
            self._found = fetch(url)
        except (URLError, OSError, ValueError) as error:
            logs.line("ERROR", "Certificates of pushes were not had", error=type(error).__name__)
            if not self._found or url != self._url:
                raise Problem(
                    503,
                    "try-again",
                    "The certificates that sign identity tokens are out of reach; try again.",
                    headers={"Retry-After": str(RETRY_SECONDS)},
                ) from error
        self._url, self._fetched_at = url, time.monotonic()


def fetch(url: str) -> dict[str, str]:
    """The certificates at an address, over https or from this machine.

    Raises:
        OSError: it was not reached.
        ValueError: it is no such address, or there are none.
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not local:
        raise ValueError("PUSH_CERTS_URL must be an https address")
    with urllib.request.urlopen(url, timeout=_FETCH_TIMEOUT_SECONDS) as answer:  # noqa: S310  # nosec B310 # checked above
        found = json.loads(answer.read(_LARGEST_BYTES))
    if not isinstance(found, dict) or not found:
        raise ValueError("no certificates")
    return {str(key_id): str(pem) for key_id, pem in found.items()}
