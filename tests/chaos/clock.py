"""A clock for the functions that can be set forward and back."""

import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import psutil

from infra.local.fence import MORE_FOLDERS
from infra.local.home import Home

# Its wheel has a compiled library only for Linux on x86_64, so it is installed only there.
IS_INSTALLED = importlib.util.find_spec("libfaketime") is not None
# On Google the database is another machine; the model relies on its times.
_EXCLUDED = ("postgres",)
_SHARED = Path("/dev/shm")


@dataclass(frozen=True)
class Clock:
    """The clock that the parts of a platform see instead of the machine's.

    The storage stand-in still sees the machine's own clock, because it is statically linked.

    Attributes:
        file: holds the offset from the right time.
        environment: variables that make a platform's parts use this clock.
    """

    file: Path
    environment: dict[str, str]
    _lock: Lock = field(default_factory=Lock)

    def step(self, offset: float, seconds: float) -> None:
        """Set the clock wrong by `offset` seconds, and right again after a while."""
        with self._lock:
            self.set(offset)
            time.sleep(seconds)
            self.set(0.0)

    def set(self, offset: float) -> None:
        """Set the clock to the right time plus `offset` seconds."""
        # Replaced in one step, because every reading of the clock reads the file.
        draft = self.file.with_suffix(".draft")
        draft.write_text(f"{offset:+g}\n")
        draft.replace(self.file)


@contextmanager
def settable(home: Home) -> Iterator[Clock | None]:
    """A clock for a home's platform; None if libfaketime is not installed."""
    if not IS_INSTALLED:
        yield None
        return
    import libfaketime

    home.prepare()
    file = home.path / "clock"
    _, preloaded = libfaketime.get_reload_information()
    settings = {
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_SKIP_CMDS": ",".join(_EXCLUDED),
        # File times come from the machine's clock.
        "NO_FAKE_STAT": "1",
        "FAKE_UTIME": "0",
        # Where libfaketime keeps what the processes share.
        MORE_FOLDERS: str(_SHARED),
    }
    clock = Clock(file, {**preloaded, **settings})
    clock.set(0.0)
    try:
        yield clock
    finally:
        _clean()


def _clean() -> None:
    """Remove the shared memory that killed processes have left."""
    for name in ("faketime_shm_*", "sem.faketime_sem_*"):
        for left in _SHARED.glob(name):
            pid = left.name.rpartition("_")[2]
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                left.unlink(missing_ok=True)
