"""Run a program that may write to some folders only: python -m infra.local.fence.

The storage stand-in uses an object's name as a path, so a name with `..` could write anywhere; the
BigQuery stand-in runs SQL of anyone who asks. Landlock (Linux 5.13 or newer) confines them to their
folders and needs no privileges. Without Landlock, as on macOS, they run unconfined.
"""

import argparse
import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local import features

# The kernel's numbers, the same on every architecture: include/uapi/linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 38
_WRITE_FILE = 1 << 1
# REMOVE_DIR to MAKE_SYM: everything that adds to a folder or removes from it.
_CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))
_MOVE, _TRUNCATE = 1 << 13, 1 << 14


# Separated by colons, as in PATH. For tools that are loaded into every part, such as libfaketime.
MORE_FOLDERS = "TABLEGATE_FENCE_FOLDERS"


def command(*folders: Path) -> tuple[str, ...]:
    """The words that, before a program's own, let it write to these folders only.

    And to those that the environment names.
    """
    more = [Path(name) for name in os.environ.get(MORE_FOLDERS, "").split(":") if name]
    writable = (word for folder in (*folders, *more) for word in ("--write", str(folder)))
    return (sys.executable, "-m", "infra.local.fence", *writable, "--")


def restrict_writes(folders: Sequence[str]) -> bool:
    """Let this process, and the program it executes, write to these folders only.

    Returns:
        False if there is no Landlock.
    """
    version = features.landlock_version()
    if not version:
        return False
    kernel = ctypes.CDLL(None, use_errno=True)
    rights = _rights(version)
    ruleset = _checked(kernel.syscall(_CREATE_RULESET, struct.pack("Q", rights), 8, 0))
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
        os.close(descriptor)
    _checked(kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(kernel.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    return True


def _rights(version: int) -> int:
    rights = _WRITE_FILE | _CHANGE_FOLDERS
    if version >= 2:
        rights |= _MOVE
    if version >= 3:
        rights |= _TRUNCATE
    return rights


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def main() -> None:
    """Restrict this process, then execute the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--write", action="append", default=[], help="folder that the program may write to"
    )
    parser.add_argument("program", nargs=argparse.REMAINDER, help="-- PROGRAM ARGUMENT ...")
    options = parser.parse_args()
    if not restrict_writes(options.write):
        print("there is no Landlock here: the program can write outside its folders", flush=True)
    program = [word for index, word in enumerate(options.program) if index or word != "--"]
    os.execv(program[0], program)  # noqa: S606  # nosec B606 # the command of a part


if __name__ == "__main__":
    main()
