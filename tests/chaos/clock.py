"""The clock of the machine that the functions run on, to be set ahead and back."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import psutil

from infra.local.home import Home

# Where libfaketime's wheel has a library that was compiled.
IS_BUILT = (platform.system(), platform.machine()) == ("Linux", "x86_64")
# On Google it is another machine, and what it notes down is what the model goes by.
_OTHERS = ("postgres",)
_SHARED = Path("/dev/shm")


@dataclass(frozen=True)
class Clock:
    """What the parts of a platform take for the machine's clock, which itself is left alone.

    The storage stand-in, which is linked statically, sees the machine's own.

    Attributes:
        file: says how far it is from the right time.
        environment: of a platform whose parts read that.
    """

    file: Path
    environment: dict[str, str]
    _alone: Lock = field(default_factory=Lock)

    def step(self, offset: float, seconds: float) -> None:
        """Set it by some seconds, and back after a while."""
        with self._alone:
            self.set(offset)
            time.sleep(seconds)
            self.set(0.0)

    def set(self, offset: float) -> None:
        """Set it by some seconds from the right time."""
        # Never half written: every look at the clock reads it.
        draft = self.file.with_suffix(".draft")
        draft.write_text(f"{offset:+g}\n")
        draft.replace(self.file)


@contextmanager
def settable(home: Home) -> Iterator[Clock | None]:
    """A clock for a home's platform; None where there is none for this machine."""
    if not IS_BUILT:
        yield None
        return
    import libfaketime

    home.prepare()
    file = home.path / "clock"
    _, preloaded = libfaketime.get_reload_information()
    told = {
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_SKIP_CMDS": ",".join(_OTHERS),
        # Times of files are the machine's.
        "NO_FAKE_STAT": "1",
        "FAKE_UTIME": "0",
    }
    clock = Clock(file, {**preloaded, **told})
    clock.set(0.0)
    try:
        yield clock
    finally:
        _clean()


def _clean() -> None:
    """Remove what killed processes have left in memory."""
    for name in ("faketime_shm_*", "sem.faketime_sem_*"):
        for left in _SHARED.glob(name):
            pid = left.name.rpartition("_")[2]
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                left.unlink(missing_ok=True)
