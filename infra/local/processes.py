"""Processes of a home: recognising them, and ending them without touching anybody else's."""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

from infra.local.environment import HOME_MARK
from infra.local.home import Home

_PATIENCE_SECONDS = 5.0
_Gone = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


def of_home(home: Home) -> list[psutil.Process]:
    """Every process that carries this home's mark in its environment.

    A mark cannot be inherited by a stranger that got a recorded pid later, so what is
    found here may be ended.
    """
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in ours and _environment_of(process).get(HOME_MARK) == str(home.path)
    ]


def working_in(folder: Path) -> list[psutil.Process]:
    """Every process whose working directory is this folder.

    PostgreSQL's children write their title over their environment, but never leave
    the data folder.
    """
    return [process for process in psutil.process_iter() if _folder_of(process) == str(folder)]


def end(processes: Iterable[psutil.Process], patience: float = _PATIENCE_SECONDS) -> None:
    """Ask processes to end, and end those that don't; returns when all are gone."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(*_Gone):
            process.terminate()
    _, left = psutil.wait_procs(asked, timeout=patience)
    for process in left:
        with contextlib.suppress(*_Gone):
            process.kill()
    psutil.wait_procs(left, timeout=patience)


def end_group(leader: int) -> None:
    """End at once whatever is left of the group that a part's process led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def stand_back(pid: int, nice: int) -> None:
    """Have the leader of a session, and what it starts, step back behind this process's like.

    Args:
        pid: the leader's.
        nice: how far, as nice(1) counts.
    """
    nice = min(os.getpriority(os.PRIO_PROCESS, 0) + nice, 19)
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    # Linux weighs sessions against each other where it groups by them (autogroup, sched(7)): a
    # process's own niceness counts within its session alone.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")


def identity(pid: int) -> float:
    """When a process began, which tells it from a later one of the same pid; 0 when gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except _Gone:
        return 0.0


def find(pid: int, began: float) -> psutil.Process | None:
    """The process that had this pid then, if it lives still."""
    if not began or abs(identity(pid) - began) > 0.05:
        return None
    with contextlib.suppress(*_Gone):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def work_of_children(pid: int) -> dict[psutil.Process, float]:
    """CPU seconds that each child of a process has used so far; none where it is gone."""
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
