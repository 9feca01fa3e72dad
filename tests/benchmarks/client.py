"""A client process that a benchmark measures: how long it takes, its CPU time and its memory."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Run:
    """A process that has ended.

    Attributes:
        seconds: from its start to its end.
        cpu_seconds: of it and the processes that it started and waited for.
        peak_bytes: the largest resident memory of any of its processes.
        status: its exit status; None if it was stopped because it took too long.
        printed: what it wrote to stdout and stderr.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    status: int | None
    printed: str


def run(command: Sequence[str], folder: Path, limit_seconds: float) -> Run:
    """Run a command in a folder, which is also its home, until it ends or the time is up."""
    log = folder / "printed"
    variables = {**os.environ, "HOME": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    peak, stopped, pid = 0, False, 0
    started = time.perf_counter()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while not pid:
        # Not the peak that wait4 tells: a child's includes what its parent held when it forked.
        peak = max(peak, *map(_peak, _tree(process.pid)))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if not pid and not stopped and time.perf_counter() - started > limit_seconds:
            stopped = True
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0 if pid else POLL_SECONDS)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        seconds,
        usage.ru_utime + usage.ru_stime,
        peak,
        None if stopped else process.returncode,
        log.read_text(errors="replace"),
    )


def _tree(pid: int) -> Iterator[int]:
    """A process and its descendants, found without a look at every process of the machine."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                for child in (thread / "children").read_text().split():
                    yield from _tree(int(child))


def _peak(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0
