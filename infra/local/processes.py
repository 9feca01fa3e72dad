"""The processes of a home: find them, and end them without touching any others."""

import contextlib
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

from infra.local import features
from infra.local.environment import HOME_MARK
from infra.local.home import Home

_END_SECONDS = 5.0
_OPEN_FILES = 1024
_Gone = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


def of_home(home: Home) -> list[psutil.Process]:
    """All processes with this home's mark in their environment.

    Unlike a stored pid, which another process may have by now, the mark identifies them safely,
    so they may be ended.
    """
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in ours and _environment_of(process).get(HOME_MARK) == str(home.path)
    ]


def working_in(folder: Path) -> list[psutil.Process]:
    """All processes whose working directory is this folder.

    PostgreSQL's children overwrite their environment with their title, but they always work in
    the data folder.
    """
    return [process for process in psutil.process_iter() if _folder_of(process) == str(folder)]


def end(processes: Iterable[psutil.Process], seconds: float = _END_SECONDS) -> None:
    """Terminate processes, then kill those that are left; return when all have ended."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(*_Gone):
            process.terminate()
    _, left = psutil.wait_procs(asked, timeout=seconds)
    for process in left:
        with contextlib.suppress(*_Gone):
            process.kill()
    psutil.wait_procs(left, timeout=seconds)


def kill_group(leader: int) -> None:
    """Kill what is left of the process group that a part's process leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def allow_open_files() -> None:
    """Let this process, and what it starts, open as many files as on Linux, if it may.

    macOS's 256 are too few for many simultaneous calls.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def lower_priority(pid: int, nice: int) -> None:
    """Lower the priority of a session's leader, and of what it starts, below this process's.

    Args:
        pid: the leader.
        nice: by how much, as in nice(1).
    """
    nice = min(os.getpriority(os.PRIO_PROCESS, 0) + nice, 19)
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    # With autogroup (sched(7)), Linux weighs whole sessions against each other, and a process's
    # own niceness counts only within its session.
    if (session := features.autogroup(pid)) is not None:
        with contextlib.suppress(OSError):
            session.write_text(str(nice), encoding="ascii")


def start_time(pid: int) -> float:
    """When a process started, in seconds since 1970; 0 if it has ended.

    Together with the pid it identifies a process, because pids are reused.
    """
    try:
        return float(psutil.Process(pid).create_time())
    except _Gone:
        return 0.0


def find(pid: int, began: float) -> psutil.Process | None:
    """The process with this pid and start time, or None if it has ended."""
    if not began or abs(start_time(pid) - began) > 0.05:
        return None
    with contextlib.suppress(*_Gone):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def cpu_seconds_of_children(pid: int) -> dict[psutil.Process, float]:
    """CPU seconds that each child of a process has used; empty if the process has ended."""
    found = {}
    with contextlib.suppress(*_Gone):
        for child in psutil.Process(pid).children():
            with contextlib.suppress(*_Gone):
                times = child.cpu_times()
                found[child] = times.user + times.system
    return found


def _environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except (*_Gone, OSError):
        return {}


def _folder_of(process: psutil.Process) -> str:
    try:
        return str(process.cwd())
    except (*_Gone, OSError):
        return ""
