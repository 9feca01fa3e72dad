"""The supervisor: starts the parts in the order of their needs and stops them in stages."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Literal

from infra.local import board as boards
from infra.local import environment
from infra.local.board import Board, Line
from infra.local.home import Home, write_private
from infra.local.keeper import Keeper
from infra.local.parts import Part, http_status

_HEALTH_SECONDS = 0.05


class Supervisor:
    """Keeps the parts of one platform alive until it is asked to stop.

    Attributes:
        board: the table of parts.
    """

    def __init__(self, home: Home, parts: Sequence[Part], said: Callable[[Line], None]) -> None:
        self.board: Board = boards.opened([(part.name, part.address) for part in parts])
        self._home, self._said = home, said
        self._stop_asked = asyncio.Event()
        self._keepers = {part.name: self._keeper(part) for part in parts}

    async def run(self, gateway_port: int, description: str, ready: Callable[[], None]) -> None:
        """Run until SIGINT or SIGTERM comes.

        Args:
            gateway_port: where /healthz is asked.
            description: platform.json, written when /healthz answers 200.
            ready: called after that.
        """
        _on_signals(self._stop_asked.set)
        stopped = asyncio.create_task(self._stop_asked.wait())
        self.board.keep(self._home)
        keeping = [asyncio.create_task(self._keep(keeper)) for keeper in self._keepers.values()]
        announcing = asyncio.create_task(self._announce(gateway_port, description, ready))
        try:
            await _until(stopped, {announcing, *keeping})
        finally:
            announcing.cancel()
            self._home.description.unlink(missing_ok=True)
            await self._stop()
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, announcing, return_exceptions=True)
            self._home.state.unlink(missing_ok=True)

    def _keeper(self, part: Part) -> Keeper:
        return Keeper(
            part,
            self.board.line(part.name),
            self._home.logs / f"{part.name}.log",
            environment.marks(self._home, part.name),
            self._changed,
        )

    async def _keep(self, keeper: Keeper) -> None:
        for name in keeper.part.needs:
            await self._keepers[name].been_ready.wait()
        await keeper.keep()

    async def _announce(self, port: int, description: str, ready: Callable[[], None]) -> None:
        while not (self.board.is_ready and await http_status(port, "/healthz") == 200):
            await asyncio.sleep(_HEALTH_SECONDS)
        write_private(self._home.description, description)
        ready()

    async def _stop(self) -> None:
        keepers = sorted(self._keepers.values(), key=lambda keeper: keeper.part.stage)
        for _, stage in groupby(keepers, key=lambda keeper: keeper.part.stage):
            await asyncio.gather(*(keeper.stop() for keeper in stage))

    def _changed(self, line: Line) -> None:
        try:
            self.board.keep(self._home)
        except OSError:
            # The home was deleted under us: nothing can go on, and nothing may stay behind.
            self._stop_asked.set()
        self._said(line)


def _on_signals(ask: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)


async def _until(stopped: asyncio.Task[Literal[True]], crew: set[asyncio.Task[None]]) -> None:
    """Wait for the stop; a fault of our own ends the waiting and is raised."""
    pending: set[asyncio.Task[Any]] = {stopped, *crew}
    while not stopped.done():
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
