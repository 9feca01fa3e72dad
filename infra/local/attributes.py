"""Extended attributes of files, also where Python has no functions for them, as on macOS."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

from infra.local import features

_Size, _int, _ssize_t = ctypes.c_size_t, ctypes.c_int, ctypes.c_ssize_t


def write(file: Path, name: str, value: bytes) -> None:
    """Set an attribute.

    Raises:
        OSError: the file system has no attributes, or the file cannot be changed.
    """
    if (own := features.os_function("setxattr")) is not None:
        own(file, name, value)
        return
    # macOS's functions have one argument more than Linux's; a zero means nothing to either.
    _call("setxattr", _int, os.fsencode(file), name.encode(), value, _Size(len(value)), 0, 0)


def names(file: Path) -> list[str]:
    """The names of a file's attributes.

    Raises:
        OSError: the file system has no attributes, or the file cannot be read.
    """
    if (own := features.os_function("listxattr")) is not None:
        return list(own(file))
    path = os.fsencode(file)
    size = _call("listxattr", _ssize_t, path, None, _Size(0), 0)
    found = ctypes.create_string_buffer(size)
    size = _call("listxattr", _ssize_t, path, found, _Size(size), 0)
    return [os.fsdecode(name) for name in found.raw[:size].split(b"\0") if name]


def _call(name: str, kind: type[Any], *arguments: Any) -> int:
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    function.restype = kind
    result = int(function(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
