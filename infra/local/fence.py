"""Run a program that may write below some folders only: python -m infra.local.fence.

The storage stand-in takes `..` in an object's name for what it is in a path, and would write
anywhere. Landlock (Linux 5.13 and newer) holds it in its folders, with no rights needed.
Where the kernel has none, the program runs without.
"""

import argparse
import ctypes
import os
import struct
from collections.abc import Sequence

# Numbers are the kernel's own, the same on every architecture: include/uapi/linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 1, 38
_WRITE_FILE = 1 << 1
# REMOVE_DIR to MAKE_SYM: everything that adds to a folder or takes from it.
_CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))
_MOVE, _TRUNCATE = 1 << 13, 1 << 14


def raise_around(folders: Sequence[str]) -> bool:
    """Let this process, and what it becomes, write below these folders only.

    Returns whether the kernel can.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    version = kernel.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 1:
        return False
    rights = _rights(version)
    ruleset = _checked(kernel.syscall(_CREATE_RULESET, struct.pack("Q", rights), 8, 0))
    for folder in folders:
        descriptor = os.open(folder, os.O_PATH)
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
    """Raise the fence and become the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="append", default=[], help="folder open for writing")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="-- PROGRAM ARGUMENT ...")
    options = parser.parse_args()
    if not raise_around(options.write):
        print("this kernel has no Landlock: object names with .. can leave the folder", flush=True)
    program = [word for index, word in enumerate(options.program) if index or word != "--"]
    os.execv(program[0], program)  # noqa: S606  # nosec B606 # what the plan gave


if __name__ == "__main__":
    main()
