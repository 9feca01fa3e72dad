"""A small disk for the database, which a fault can fill."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local import accounts, postgres
from infra.local.home import Home

SIZE_MB = 400
# Smaller and smaller pieces, because the database writes meanwhile.
_PIECES = (64 << 20, 1 << 20, 4096)


@dataclass(frozen=True)
class Disk:
    """A separate disk for the database.

    Attributes:
        folder: the mount point, which is the database's data folder.
    """

    folder: Path

    def fill(self, seconds: float) -> None:
        """Fill the disk for a while."""
        ballast = self.folder / "ballast"
        until = time.monotonic() + seconds
        try:
            with ballast.open("wb") as file:
                while time.monotonic() < until:
                    _grow(file.fileno())
                    time.sleep(0.05)
        finally:
            ballast.unlink()


def _grow(descriptor: int) -> None:
    for piece in _PIECES:
        with contextlib.suppress(OSError):
            while True:
                os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, piece)


@contextmanager
def small(home: Home) -> Iterator[Disk | None]:
    """Put the database of a new home on a small disk; None if a disk cannot be mounted."""
    home.prepare()
    account = accounts.unprivileged()
    if account is None:
        yield None
        return
    postgres.part(home, 1).prepare()
    folder = postgres.data_folder(home, account)
    prepared = folder.with_name("postgres.prepared")
    folder.rename(prepared)
    folder.mkdir(mode=0o700)
    account.own(folder)
    options = f"size={SIZE_MB}m,mode=700,uid={account.uid},gid={account.gid}"
    is_mounted = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        _run("cp", "-a", f"{prepared}/.", str(folder))
        shutil.rmtree(prepared)
        yield Disk(folder) if is_mounted else None
    finally:
        if is_mounted:
            # Lazily, because an interrupted test may have left the database running.
            _run("umount", "--lazy", str(folder))


def _run(*command: str) -> bool:
    return not subprocess.run(command, capture_output=True, check=False).returncode
