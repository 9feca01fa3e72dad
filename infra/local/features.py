"""What the platform uses of Linux, and whether this machine has it.

macOS has none of it, and some kernels and containers lack a part. Where it is missing, the
platform does without it or in another way. TABLEGATE_WITHOUT, names separated by commas, switches
some off, to try that.
"""

import ctypes
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WITHOUT = "TABLEGATE_WITHOUT"
NAMES = ("landlock", "prctl", "autogroup", "loopback", "xattr")

# include/uapi/linux/landlock.h, the same on every architecture.
_CREATE_RULESET, _ASK_VERSION = 444, 1


def landlock_version() -> int:
    """The version of Landlock, which confines a process to folders; 0 if the kernel has none."""
    # Elsewhere the number is another system call.
    if _is_off("landlock") or sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)))


def prctl() -> Callable[..., int] | None:
    """The call by which a process asks the kernel to be killed with its parent, or None."""
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), "prctl", None)
    return None if _is_off("prctl") else found


def autogroup(pid: int) -> Path | None:
    """The file with the niceness of a process's session, or None if sessions have none."""
    file = Path(f"/proc/{pid}/autogroup")
    return None if _is_off("autogroup") or not file.exists() else file


def has_loopback_network() -> bool:
    """Whether all of 127.0.0.0/8 is this machine; on macOS, only 127.0.0.1 is."""
    if _is_off("loopback"):
        return False
    with socket.socket() as probe:
        try:
            probe.bind(("127.170.85.1", 0))
        except OSError:
            return False
    return True


def os_function(name: str) -> Callable[..., Any] | None:
    """A function on extended attributes that Python's `os` has on Linux only, or None."""
    return None if _is_off("xattr") else getattr(os, name, None)


def unprotected() -> str:
    """What is less protected on this machine than on Linux, or ""."""
    if landlock_version():
        return ""
    return (
        "This machine has no Landlock: names of objects with `..` in them can make the Cloud "
        "Storage stand-in write files outside its folder."
    )


def _is_off(name: str) -> bool:
    return name in os.environ.get(WITHOUT, "").split(",")
