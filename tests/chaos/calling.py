"""Calls of an API whose parts are being killed: made again until they are answered."""

import random
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.platform import Platform

PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.3
_TRIES, _REST_SECONDS = 4, 0.7


class Caller:
    """A client of the gateway and of the storage stand-in.

    Attributes:
        wrong: answers that no fault of a part explains.
    """

    def __init__(self, platform: Platform) -> None:
        self.wrong: list[str] = []
        self._last = ""
        self._gateway = urlsplit(platform.gateway)
        self._token = platform.token
        where = platform.description["storage"]
        self._uploads = f"{where['endpoint']}/upload/storage/v1/b/{where['uploads']}/o"
        self._client = httpx.Client(
            base_url=platform.gateway, headers={"X-Token": platform.token}, timeout=30
        )

    def close(self) -> None:
        """Let go of all connections."""
        self._client.close()

    def once(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """Call, and give the answer of a function that was there; None where it was away."""
        try:
            answer = self._client.request(method, path, **options)
        except httpx.TransportError:
            return None
        if answer.status_code == 500:
            # A fault that can pass is a 503, which says when to come again.
            self.wrong.append(f"{method} {path} was answered 500: {answer.text[:300]}")
        self._last = f"{answer.status_code} {answer.text[:300]}"
        return None if answer.status_code >= 500 else answer

    def persistently(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """Call a few times, as somebody would before they leave it; None where all were away."""
        for rest in (*[_REST_SECONDS] * (_TRIES - 1), 0.0):
            if (answer := self.once(method, path, **options)) is not None:
                return answer
            time.sleep(rest)
        return None

    def until_answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call until somebody answers."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.once(method, path, **options)) is None:
            assert time.monotonic() < limit, f"nobody answered {method} {path}: {self._last}"
            time.sleep(_PAUSE_SECONDS)
        return answer

    def upload(self, name: str, content: bytes) -> None:
        """Put a file in the uploads bucket, however often that takes."""
        limit = time.monotonic() + PATIENCE_SECONDS
        query = {"uploadType": "media", "name": name}
        while True:
            try:
                answer = self._client.post(self._uploads, params=query, content=content)
                if answer.status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < limit, f"{name} was not taken"
            time.sleep(_PAUSE_SECONDS)

    def leave(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Send a call, and be gone before its answer comes."""
        named = {
            **headers,
            "Host": self._gateway.netloc,
            "X-Token": self._token,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        address = (self._gateway.hostname or "", self._gateway.port or 0)
        try:
            with socket.create_connection(address, timeout=5) as connection:
                connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                time.sleep(random.choice((0.0, 0.005, 0.05)))
        except OSError:
            return
