"""What a part of the platform is: a command, what it waits for, and how it shows it is ready."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from infra.local.accounts import Account

Probe = Callable[[], Awaitable[bool]]


class Stage(IntEnum):
    """When a part is stopped; those of one stage together."""

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
    """A process that the supervisor keeps alive, or a task it sees through once.

    Attributes:
        name: of the part, its log and its line in the table.
        command: program and arguments.
        stage: when it is stopped.
        environment: the whole of it, but for the marks of the home.
        address: shown in the table.
        probe: says whether it answers; None makes it a task, which is done when it ends well.
        needs: parts that must have been ready before it starts.
        prepare: called before each start; what it raises is a failed start.
        folder: its working directory.
        account: whose rights it runs with, the caller's by default.
        stop_signal: asks it to stop.
        patience_seconds: how long it may take to.
        nice: how far it stands back where the machine is busy, as nice(1) counts.
        silence_seconds: how long it may neither answer nor work, in a child that it had before,
            until it is ended and started again; 0 for a part that ends by itself when it is broken.
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
    patience_seconds: float = 3.0
    nice: int = 0
    silence_seconds: float = 0.0


def answers_http(port: int, path: str, *statuses: int) -> Probe:
    """Ready when a GET is answered, with one of the statuses if any is given."""

    async def probe() -> bool:
        status = await http_status(port, path)
        return status in statuses if statuses else status > 0

    return probe


def accepts_connections(port: int) -> Probe:
    """Ready when the port takes a connection."""

    async def probe() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return probe


def succeeds(*command: str) -> Probe:
    """Ready when a command says so by ending with 0."""

    async def probe() -> bool:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait() == 0

    return probe


async def http_status(port: int, path: str) -> int:
    """Status of a GET, or 0 when nobody answers."""
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
