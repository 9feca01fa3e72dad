"""A proxy of the database, which can lose the answers to commits.

The database has committed, and the function cannot know it: its connection ends instead.
Source of the bytes: PostgreSQL's manual, "Message Formats", CommandComplete.
"""

import asyncio
import threading
import time
from collections.abc import Callable

_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
_PIECE_BYTES = 1 << 16


class DatabaseProxy:
    """Forwards connections to a database.

    Args:
        target: gives the database's port; called for each connection.

    Attributes:
        port: where it listens.
        lost: how many commits were not answered.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self.port = self.lost = 0
        self._target, self._until = target, 0.0
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def lose_commits(self, seconds: float) -> bool:
        """Lose the answers to all commits for a while; returns whether there were any."""
        before, self._until = self.lost, max(self._until, time.monotonic() + seconds)
        time.sleep(seconds)
        return self.lost > before

    def close(self) -> None:
        """End all connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", self._target())
            writers.append(requests)
            pumps = [
                asyncio.ensure_future(self._pump(reader, requests)),
                asyncio.ensure_future(self._pump(answers, writer, may_lose=True)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            return
        finally:
            for one in writers:
                one.transport.abort()
            self._tasks.discard(task)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        may_lose: bool = False,
    ) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            if may_lose and _COMMITTED in piece and time.monotonic() < self._until:
                self.lost += 1
                return
            writer.write(piece)
            await writer.drain()
