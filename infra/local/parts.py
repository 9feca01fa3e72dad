"""A part of the platform: its command, what it waits for, and the probe that shows it is ready."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from infra.local.accounts import Account

Probe = Callable[[], Awaitable[bool]]


class Stage(IntEnum):
    """When a part is stopped; the parts of one stage are stopped together."""

    ENTRANCE = 0
    FUNCTION = 1
    EVENTS = 2
    STORAGE = 3
    WAREHOUSE = 4
    DATABASE = 5


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Part:
    """A process that the supervisor keeps running, or a task that it runs once.

    Attributes:
        name: the name of the part, of its log and in the status.
        command: program and arguments.
        stage: when it is stopped.
        environment: all variables, except the marks of the home.
        address: shown in the status.
        probe: tests whether it answers; None for a task, which is done when it ends with 0.
        needs: the parts that must have been ready before it starts.
        prepare: called before each start; if it raises, the start has failed.
        folder: its working directory.
        account: the account it runs under, the caller's by default.
        stop_signal: the signal that asks it to stop.
        stop_seconds: how long it may take to stop before it is killed.
        nice: how far its priority is lowered, as in nice(1).
        silence_seconds: it is restarted if it has not answered for this time and none of its
            children has worked; 0 for a part that ends by itself when it is broken.
    """

    name: str
    command: tuple[str, ...]
    stage: Stage
    environment: Mapping[str, str]
    address: str = ""
    probe: Probe | None = None
    needs: tuple[str, ...] = ()
    prepare: Callable[[], None] = field(default=_nothing)
    folder: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 3.0
    nice: int = 0
    silence_seconds: float = 0.0


def answers_http(port: int, path: str, *statuses: int) -> Probe:
    """Ready if a GET is answered: with one of the statuses, if any are given."""

    async def probe() -> bool:
        status = await http_status(port, path)
        return status in statuses if statuses else status > 0

    return probe


def accepts_connections(port: int) -> Probe:
    """Ready if the port accepts a connection."""

    async def probe() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return probe


def succeeds(*command: str) -> Probe:
    """Ready if a command ends with 0."""

    async def probe() -> bool:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait() == 0

    return probe


async def http_status(port: int, path: str) -> int:
    """The status of a GET, or 0 if there is no answer."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return 0
    try:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        line = await asyncio.wait_for(reader.readline(), timeout=5)
        return int(line.split()[1]) if line.startswith(b"HTTP/") else 0
    except (OSError, TimeoutError, IndexError, ValueError):
        return 0
    finally:
        writer.close()
