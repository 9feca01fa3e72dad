"""Hires made up for benchmarks: the same ones for the same number."""

from collections.abc import Iterator
from pathlib import Path

DEPARTMENTS, JOBS = 12, 183


def parents() -> dict[str, bytes]:
    """The departments and jobs that the hires refer to, as CSV."""
    return {
        "departments": b"".join(b"%d,Department %d\n" % (i, i) for i in range(1, DEPARTMENTS + 1)),
        "jobs": b"".join(b"%d,Job %d\n" % (i, i) for i in range(1, JOBS + 1)),
    }


def lines(rows: int, bad_share: float = 0.0) -> Iterator[bytes]:
    """CSV lines of hires, the given share of them without a name."""
    every = round(1 / bad_share) if bad_share else 0
    for i in range(1, rows + 1):
        name = b"" if every and i % every == 0 else b"Given%d Family%d" % (i % 997, i % 7919)
        yield b"%d,%b,2021-%02d-%02dT%02d:%02d:42Z,%d,%d\r\n" % (
            i,
            name,
            i % 12 + 1,
            i % 28 + 1,
            i % 24,
            i % 60,
            i % DEPARTMENTS + 1,
            i % JOBS + 1,
        )


def write(path: Path, rows: int, bad_share: float = 0.0) -> Path:
    """Write hires to a file."""
    with path.open("wb") as sink:
        sink.writelines(lines(rows, bad_share))
    return path
