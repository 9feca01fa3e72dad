"""The log of a part: a file that is put aside when it has grown, and its last word."""

import json
import os
import re
from pathlib import Path
from typing import BinaryIO

_LARGEST_BYTES = 5_000_000
_TAIL_BYTES = 16_384
_LONGEST = 200
_TROUBLE = re.compile(r"error|fatal|panic|fault|exception|cannot|could not|failed|refused", re.I)


def opened(file: Path) -> BinaryIO:
    """A part's log, open for appending; the one before it is kept as NAME.log.1."""
    if file.exists() and file.stat().st_size > _LARGEST_BYTES:
        file.replace(file.with_name(f"{file.name}.1"))
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "ab")


def last_word(file: Path, start: int = 0) -> str:
    """The last line that speaks of trouble, or the last line of all.

    Args:
        file: the log.
        start: where the present run began in it.
    """
    with file.open("rb") as log:
        log.seek(max(start, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    told = [line for line in lines if line]
    troubled = [line for line in told if _TROUBLE.search(line) and not line.startswith("File ")]
    line = (troubled or told or [""])[-1]
    return _message_of(line)[:_LONGEST]


def _message_of(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        return str(json.loads(line).get("message", line))
    except ValueError:
        return line
