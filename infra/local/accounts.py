"""The account PostgreSQL runs under: it refuses to be root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.faults import PlatformFault


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    def can_run(self, path: Path) -> bool:
        """Whether this user may run a program, or go into a folder."""
        command = ["test", "-x", str(path)]
        return not subprocess.run(  # nosec B603 # a path of ours
            command, user=self.uid, group=self.gid, extra_groups=[], check=False, cwd="/"
        ).returncode

    def own(self, path: Path) -> None:
        """Make this user the owner of a file or folder."""
        os.chown(path, self.uid, self.gid)


def unprivileged() -> Account | None:
    """An account that is not root, or None when the caller is none already.

    Raises:
        PlatformFault: the machine has no account to use.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PlatformFault(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it; "
        "run this as another user."
    )
