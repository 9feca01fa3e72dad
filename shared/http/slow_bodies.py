"""Ends bodies that arrive too slowly, so that they hold no thread."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread

from flask import Request

from shared.lazy import Once


class Watch:
    """The reading of one body.

    Attributes:
        is_over: whether its time has run out; then it reads as if it had ended.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.is_over = False
        self._connection: socket.socket | None = connection

    def end(self) -> None:
        """End the body if it is still being read."""
        if (connection := self._connection) is not None:
            self.is_over = True
            # A thread that waits for bytes wakes up and finds the end; the answer can be sent.
            connection.shutdown(socket.SHUT_RD)

    def stop(self) -> None:
        """Stop watching."""
        self._connection = None


class Watcher:
    """One thread that ends each body at its time."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Watch]] = []
        self._numbers = count()
        self._changed = Condition()
        Thread(target=self._run, daemon=True, name="slow bodies").start()

    def add(self, watch: Watch, seconds: float) -> None:
        """End a body after that many seconds, unless its watch is stopped before."""
        with self._changed:
            heappush(self._due, (time.monotonic() + seconds, next(self._numbers), watch))
            if self._due[0][2] is watch:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or (left := self._due[0][0] - time.monotonic()) > 0:
                    self._changed.wait(left if self._due else None)
                watch = heappop(self._due)[2]
            try:
                watch.end()
            except OSError:
                # The caller has closed the connection.
                continue


@Once
def _watcher() -> Watcher:
    return Watcher()


@contextmanager
def within(request: Request, seconds: float) -> Iterator[Watch | None]:
    """Read a body inside; after that many seconds it ends, whatever has arrived of it.

    A server other than gunicorn is not watched; gives None there.
    """
    connection = request.environ.get("gunicorn.socket")
    if connection is None or not _has_body(request):
        yield None
        return
    watch = Watch(connection)
    _watcher().add(watch, seconds)
    try:
        yield watch
    finally:
        watch.stop()


def _has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers
