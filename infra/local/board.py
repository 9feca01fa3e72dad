"""The table of parts: what state each is in, kept where the gateway and `status` read it."""

import os
from collections.abc import Sequence
from typing import Literal

import msgspec

from infra.local import processes
from infra.local.home import Home, write_private

State = Literal["waiting", "starting", "ready", "done", "restarting", "stopped"]


class Line(msgspec.Struct):
    """A part as it is now.

    Attributes:
        why: what went wrong last, while that matters.
        pid: of its process, 0 when it has none.
        began: when that process began, as the system counts.
        restarts: how often it was started anew.
        seconds: how long its last start took.
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
        """Whether the part does what it is for."""
        return self.state in ("ready", "done")


class Board(msgspec.Struct):
    """The supervisor and its parts."""

    pid: int
    began: float
    lines: list[Line]

    @property
    def is_ready(self) -> bool:
        """Whether every part does what it is for."""
        return all(line.is_well for line in self.lines)

    def line(self, name: str) -> Line:
        """The line of a part."""
        return next(line for line in self.lines if line.name == name)

    def keep(self, home: Home) -> None:
        """Write the table down."""
        write_private(home.state, msgspec.json.encode(self).decode())

    def table(self) -> str:
        """The table as text."""
        rows = [("part", "state", "address"), *(_row(line) for line in self.lines)]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip() for row in rows
        )


def opened(parts: Sequence[tuple[str, str]]) -> Board:
    """A board of this process for parts given as (name, address)."""
    own = os.getpid()
    return Board(own, processes.identity(own), [Line(name, address) for name, address in parts])


def read(home: Home) -> Board | None:
    """The table last kept on a home, or None when there is none."""
    if not home.state.exists():
        return None
    return msgspec.json.decode(home.state.read_bytes(), type=Board)


def of_running(home: Home) -> Board | None:
    """The table of the platform that runs on a home, or None when none does."""
    board = read(home)
    return board if board and processes.find(board.pid, board.began) else None


def _row(line: Line) -> tuple[str, str, str]:
    state = f"{line.state}: {line.why}" if line.why and not line.is_well else line.state
    if line.state == "ready" and line.restarts:
        state = f"ready, restarted {line.restarts} times"
    return line.name, state, line.address
