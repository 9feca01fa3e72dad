"""The log file of a part: its rotation, and the line that says why the part ended."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import BinaryIO

_LARGEST_BYTES = 5_000_000
_KEPT_BYTES = 5_000_000
_TAIL_BYTES = 16_384
_LONGEST = 200
_TROUBLE = re.compile(r"error|fatal|panic|fault|exception|cannot|could not|failed|refused", re.I)


def open_log(file: Path) -> BinaryIO:
    """Open a part's log for appending; if it is large, rename it to NAME.log.1 first."""
    if file.exists() and file.stat().st_size > _LARGEST_BYTES:
        file.replace(file.with_name(f"{file.name}.1"))
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "ab")


def rotate(file: Path) -> None:
    """If a log that its part is writing is large, move its newest lines to NAME.log.1.

    The part keeps its file, which is emptied; a line written at that moment may be lost.
    """
    if not file.exists() or file.stat().st_size <= _LARGEST_BYTES:
        return
    old = file.with_name(f"{file.name}.1")
    with file.open("rb+") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _KEPT_BYTES))
        descriptor = os.open(old, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as kept:
            shutil.copyfileobj(log, kept)
        log.truncate(0)


def last_error(file: Path, start: int = 0) -> str:
    """The last line that looks like an error, or else the last line.

    Args:
        file: the log.
        start: the offset in bytes at which the current run began.
    """
    with file.open("rb") as log:
        end = log.seek(0, os.SEEK_END)
        # A log that has been rotated meanwhile is shorter.
        log.seek(max(start if start <= end else 0, end - _TAIL_BYTES))
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    written = [line for line in lines if line]
    errors = [line for line in written if _TROUBLE.search(line) and not line.startswith("File ")]
    line = (errors or written or [""])[-1]
    return _message_of(line)[:_LONGEST]


def _message_of(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        return str(json.loads(line).get("message", line))
    except ValueError:
        return line
