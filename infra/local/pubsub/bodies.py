"""The messages' bodies: the latest in memory, the others read from the data file."""

import asyncio
import sqlite3
import threading
from collections import OrderedDict

from infra.local.pubsub.statements import STATEMENTS

CACHE_BYTES = 64 * 1024 * 1024


class Bodies:
    """Serialized messages by number, at most `CACHE_BYTES` of them in memory."""

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader
        self._reading = threading.Lock()
        self._cached: OrderedDict[int, bytes] = OrderedDict()
        self._cached_bytes = 0

    def keep(self, number: int, body: bytes) -> None:
        """Hold a body that is on disk already."""
        self._cached[number] = body
        self._cached_bytes += len(body)
        while self._cached_bytes > CACHE_BYTES:
            _, dropped = self._cached.popitem(last=False)
            self._cached_bytes -= len(dropped)

    def forget(self, number: int) -> None:
        """Let go of a body that nobody waits for."""
        body = self._cached.pop(number, None)
        if body is not None:
            self._cached_bytes -= len(body)

    async def of(self, number: int) -> bytes | None:
        """The body of a message, or None when it is gone."""
        body = self._cached.get(number)
        if body is None:
            body = await asyncio.to_thread(self._read, number)
        return body

    def _read(self, number: int) -> bytes | None:
        with self._reading:
            row = self._reader.execute(STATEMENTS["read_body"], (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        """Close the connection that bodies are read through."""
        with self._reading:
            self._reader.close()
