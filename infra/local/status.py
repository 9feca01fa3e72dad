"""The status of every part, stored in the home for the gateway and for `./tablegate status`."""

import os
from collections.abc import Sequence
from typing import Literal

import msgspec

from infra.local import processes
from infra.local.home import Home, write_private

State = Literal["waiting", "starting", "ready", "done", "restarting", "stopped"]


class PartStatus(msgspec.Struct):
    """The status of one part.

    Attributes:
        why: the latest error, or "" once the part works.
        pid: its process, or 0 if it has none.
        began: when that process started, in seconds since 1970.
        restarts: how often it was restarted.
        seconds: how long its latest start took.
    """

    name: str
    address: str
    state: State = "waiting"
    why: str = ""
    pid: int = 0
    began: float = 0.0
    restarts: int = 0
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        """Whether the part is ready or, if it is a task, done."""
        return self.state in ("ready", "done")


class PlatformStatus(msgspec.Struct):
    """The status of the supervisor and of its parts.

    Attributes:
        pid: the supervisor's process.
        began: when that process started, in seconds since 1970.
    """

    pid: int
    began: float
    parts: list[PartStatus] = msgspec.field(name="lines")

    @property
    def is_ready(self) -> bool:
        """Whether every part is ready or done."""
        return all(part.is_well for part in self.parts)

    def part(self, name: str) -> PartStatus:
        """The status of the part with this name."""
        return next(part for part in self.parts if part.name == name)

    def write(self, home: Home) -> None:
        """Store the status in the home."""
        write_private(home.state, msgspec.json.encode(self).decode())

    def table(self) -> str:
        """The status as a table for people."""
        rows = [("part", "state", "address"), *(_row(part) for part in self.parts)]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip() for row in rows
        )


def new_status(parts: Sequence[tuple[str, str]]) -> PlatformStatus:
    """The status of a platform that this process starts, with parts as (name, address)."""
    own = os.getpid()
    return PlatformStatus(
        own, processes.start_time(own), [PartStatus(name, address) for name, address in parts]
    )


def read_status(home: Home) -> PlatformStatus | None:
    """The status last stored in a home, or None."""
    if not home.state.exists():
        return None
    return msgspec.json.decode(home.state.read_bytes(), type=PlatformStatus)


def running_status(home: Home) -> PlatformStatus | None:
    """The status of the platform that runs on a home, or None if none runs."""
    status = read_status(home)
    return status if status and processes.find(status.pid, status.began) else None


def _row(part: PartStatus) -> tuple[str, str, str]:
    state = f"{part.state}: {part.why}" if part.why and not part.is_well else part.state
    if part.state == "ready" and part.restarts:
        state = f"ready, restarted {part.restarts} times"
    return part.name, state, part.address
