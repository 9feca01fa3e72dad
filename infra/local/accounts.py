"""The account that PostgreSQL runs under, because it refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import PlatformError


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    def can_run(self, path: Path) -> bool:
        """Whether this user may run a program or enter a folder."""
        command = ["test", "-x", str(path)]
        return not subprocess.run(  # nosec B603 # a path of ours
            command, user=self.uid, group=self.gid, extra_groups=[], check=False, cwd="/"
        ).returncode

    def own(self, path: Path) -> None:
        """Make this user the owner of a file or folder."""
        os.chown(path, self.uid, self.gid)


def unprivileged() -> Account | None:
    """An account that is not root, or None if the caller is not root.

    Raises:
        PlatformError: the machine has no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PlatformError(
        "PostgreSQL refuses to run as root, and this machine has no user `postgres` "
        "or `nobody`; run this as another user."
    )
