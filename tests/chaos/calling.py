"""Calls of an API whose parts are being killed, repeated until they are answered."""

import random
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.platform import Platform

DEADLINE_SECONDS = 90.0
_PAUSE_SECONDS = 0.3
_TRIES, _RETRY_SECONDS = 4, 0.7


class Caller:
    """A client of the gateway and of the storage stand-in.

    Attributes:
        problems: answers that no injected fault explains.
    """

    def __init__(self, platform: Platform) -> None:
        self.problems: list[str] = []
        self._last = ""
        self._lost, self._losing_until = 0, 0.0
        self._gateway = urlsplit(platform.gateway)
        self._token = platform.token
        storage = platform.description["storage"]
        self._uploads = f"{storage['endpoint']}/upload/storage/v1/b/{storage['uploads']}/o"
        self._client = httpx.Client(
            base_url=platform.gateway, headers={"X-Token": platform.token}, timeout=30
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def lose_answers(self, seconds: float) -> bool:
        """Lose every answer for a while, as if its connection had broken just before it came.

        Returns:
            Whether there were any.
        """
        before, until = self._lost, time.monotonic() + seconds
        self._losing_until = max(self._losing_until, until)
        time.sleep(seconds)
        return self._lost > before

    def once(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """Call once; None if there was no answer, or one with a status of 500 or more."""
        try:
            answer = self._client.request(method, path, **options)
        except httpx.TransportError:
            return None
        if answer.status_code == 500:
            # A transient error is a 503 with Retry-After, never a 500.
            self.problems.append(f"{method} {path} was answered 500: {answer.text[:300]}")
        self._last = f"{answer.status_code} {answer.text[:300]}"
        if time.monotonic() < self._losing_until:
            self._lost += 1
            return None
        return None if answer.status_code >= 500 else answer

    def with_retries(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """Call a few times, as a user would; None if there was no answer."""
        for pause in (*[_RETRY_SECONDS] * (_TRIES - 1), 0.0):
            if (answer := self.once(method, path, **options)) is not None:
                return answer
            time.sleep(pause)
        return None

    def until_answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call until there is an answer."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (answer := self.once(method, path, **options)) is None:
            assert time.monotonic() < deadline, f"{method} {path} was not answered: {self._last}"
            time.sleep(_PAUSE_SECONDS)
        return answer

    def upload(self, name: str, content: bytes) -> None:
        """Put a file in the uploads bucket, with as many attempts as that takes."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        query = {"uploadType": "media", "name": name}
        while True:
            try:
                answer = self._client.post(self._uploads, params=query, content=content)
                if answer.status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, f"{name} was not accepted"
            time.sleep(_PAUSE_SECONDS)

    def send_and_hang_up(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Send a call, and close the connection before the answer."""
        all_headers = {
            **headers,
            "Host": self._gateway.netloc,
            "X-Token": self._token,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in all_headers.items())
        address = (self._gateway.hostname or "", self._gateway.port or 0)
        try:
            with socket.create_connection(address, timeout=5) as connection:
                connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                time.sleep(random.choice((0.0, 0.005, 0.05)))
        except OSError:
            return
