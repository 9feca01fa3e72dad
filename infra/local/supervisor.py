"""The supervisor: starts the parts in the order of their needs, and stops them in stages."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Literal

from infra.local import environment
from infra.local.home import Home, write_private
from infra.local.part_process import PartProcess
from infra.local.parts import Part, http_status
from infra.local.status import PartStatus, PlatformStatus, new_status

_HEALTH_SECONDS = 0.05


class Supervisor:
    """Keeps the parts of one platform running until it is asked to stop.

    Args:
        home: the platform's home.
        parts: all parts.
        changed: called whenever a part's status has changed.

    Attributes:
        status: the status of all parts.
    """

    def __init__(
        self, home: Home, parts: Sequence[Part], changed: Callable[[PartStatus], None]
    ) -> None:
        self.status: PlatformStatus = new_status([(part.name, part.address) for part in parts])
        self._home, self._changed = home, changed
        self._stop_requested = asyncio.Event()
        self._processes = {part.name: self._process(part) for part in parts}

    async def run(self, gateway_port: int, description: str, ready: Callable[[], None]) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP.

        Args:
            gateway_port: the port that serves /healthz.
            description: platform.json, written when /healthz answers 200.
            ready: called after that.
        """
        _on_signals(self._stop_requested.set)
        stopped = asyncio.create_task(self._stop_requested.wait())
        self.status.write(self._home)
        running = [asyncio.create_task(self._run(process)) for process in self._processes.values()]
        announcing = asyncio.create_task(self._announce(gateway_port, description, ready))
        try:
            await _until(stopped, {announcing, *running})
        finally:
            announcing.cancel()
            self._home.description.unlink(missing_ok=True)
            await self._stop()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, announcing, return_exceptions=True)
            self._home.state.unlink(missing_ok=True)

    def _process(self, part: Part) -> PartProcess:
        return PartProcess(
            part,
            self.status.part(part.name),
            self._home.logs / f"{part.name}.log",
            environment.marks(self._home, part.name),
            self._note_change,
        )

    async def _run(self, process: PartProcess) -> None:
        for name in process.part.needs:
            await self._processes[name].been_ready.wait()
        await process.run()

    async def _announce(self, port: int, description: str, ready: Callable[[], None]) -> None:
        while not (self.status.is_ready and await http_status(port, "/healthz") == 200):
            await asyncio.sleep(_HEALTH_SECONDS)
        write_private(self._home.description, description)
        ready()

    async def _stop(self) -> None:
        processes = sorted(self._processes.values(), key=lambda process: process.part.stage)
        for _, stage in groupby(processes, key=lambda process: process.part.stage):
            await asyncio.gather(*(process.stop() for process in stage))

    def _note_change(self, part: PartStatus) -> None:
        try:
            self.status.write(self._home)
        except OSError:
            # The home was deleted while the platform ran: stop, and leave no process behind.
            self._stop_requested.set()
        self._changed(part)


def _on_signals(handle: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, handle)


async def _until(stopped: asyncio.Task[Literal[True]], tasks: set[asyncio.Task[None]]) -> None:
    """Wait until `stopped`; if a task raises an error before that, raise it."""
    pending: set[asyncio.Task[Any]] = {stopped, *tasks}
    while not stopped.done():
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
