"""Starts a platform that runs on its own, and waits until it is ready."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

from infra.local import ports
from infra.local.environment import ROOT
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.status import PlatformStatus, running_status
from infra.progress import Progress

_START_SECONDS = 180.0
# A part may have to start again once or twice while others come up.
_RESTARTS_TO_REPORT = 3
LEAST_FREE_BYTES = 500 << 20


def check(home: Home, port: int | None) -> None:
    """Check what a start needs of this machine.

    Raises:
        PlatformError: the port is in use, or the disk is full; the text says what to do.
    """
    if port is not None and not ports.can_listen(port):
        raise PlatformError(f"Port {port} is in use{user_of(port)}; choose another with --port.")
    free = free_bytes(home.path)
    if free < LEAST_FREE_BYTES:
        raise PlatformError(
            f"Only {free >> 20} MB are free where {home.path} is; the platform needs "
            f"{LEAST_FREE_BYTES >> 20} MB. Delete something, or use --home elsewhere."
        )


def start(home: Home, port: int | None) -> PlatformStatus:
    """Start a platform unless one runs on the home, and wait until all of its parts are ready.

    It holds none of the caller's pipes, and ignores the caller's Ctrl-C.

    Raises:
        PlatformError: it does not start; the text names the part and what is wrong with it.
    """
    process = None if home.is_home() and running_status(home) else _launch(home, port)
    words = "Starting a platform" if process else "Waiting for the platform"
    progress = Progress(f"{words} on {home.path}", sys.stderr)
    deadline = time.monotonic() + _START_SECONDS
    # A killed platform may have left its file, so the file counts only if a platform is running.
    try:
        while not ((status := running_status(home)) and home.description.exists()):
            _check_start(home, status, process, deadline)
            if status:
                ready = sum(part.is_well for part in status.parts)
                progress.show(f"{ready} of {len(status.parts)} parts ready")
            time.sleep(0.1)
    except BaseException:
        progress.end("failed")
        if process is not None:
            # Nothing is left half started.
            process.terminate()
            process.wait()
        raise
    progress.end("ready")
    return status


def free_bytes(path: Path) -> int:
    """How much is free on the disk that a path is, or will be, on."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _launch(home: Home, port: int | None) -> subprocess.Popen[bytes]:
    home.prepare()
    words = [sys.executable, "-m", "infra.local", "up", "--home", str(home.path)]
    with (home.logs / "up.log").open("wb") as log:
        return subprocess.Popen(  # nosec B603 # this very program
            [*words, *(["--port", str(port)] if port else [])],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _check_start(
    home: Home,
    status: PlatformStatus | None,
    process: subprocess.Popen[bytes] | None,
    deadline: float,
) -> None:
    if process is not None and process.poll() is not None:
        last = (home.logs / "up.log").read_text(errors="replace").strip().splitlines()[-1:]
        raise PlatformError(f"The platform did not start: {' '.join(last)}")
    for part in status.parts if status else ():
        if not part.is_well and part.restarts >= _RESTARTS_TO_REPORT:
            raise PlatformError(
                f"{part.name} does not start: {part.why}. Its log is {home.logs / part.name}.log."
            )
    if time.monotonic() > deadline:
        late = ", ".join(part.name for part in status.parts if not part.is_well) if status else ""
        raise PlatformError(
            f"The platform is not ready after {_START_SECONDS:.0f} s"
            f"{f'; these parts are not: {late}' if late else ''}. Logs are in {home.logs}."
        )


def user_of(port: int) -> str:
    """Which process listens on a port, in words; empty if this user may not know."""
    try:
        for one in psutil.net_connections("tcp"):
            if one.laddr and one.laddr.port == port and one.status == "LISTEN" and one.pid:
                return f" by {psutil.Process(one.pid).name()} (process {one.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
