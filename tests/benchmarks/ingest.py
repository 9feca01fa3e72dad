"""How fast a large file is loaded, compared with psql's \\copy of its good rows.

    python -m tests.benchmarks.ingest [ROWS ...]

Both write into tables with primary key and foreign keys, in the same PostgreSQL, in the same run.
There are files with no, some and only bad rows. CPU seconds are those of the function for a million
rows, until the file has moved and that of its rejects is written.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from google.cloud import storage

from shared.database.engine import create
from shared.settings import read
from tests.benchmarks import postgres
from tests.benchmarks.usage import cpu_seconds, peak_memory, reset_peak_memory
from tests.support import clients, hires
from tests.support.platform import Platform, running

SIZES = (1_000_000, 10_000_000)
BAD_SHARES = (0.0, 0.05, 1.0)
# A file of ten million rows is measured once: noise matters less there.
ROUNDS, MOST_ROWS_IN_ROUNDS = 3, 1_000_000
FUNCTION = "ingest_csv"
numbers = count()
TRUNCATE = "truncate hired_employees, loads, rejected_rows, row_versions"


def main() -> None:
    """Run and print."""
    sizes = [int(argument) for argument in sys.argv[1:]] or list(SIZES)
    # Else a file of ten million bad rows would fail.
    os.environ["MAX_REJECTS"] = str(max(sizes))
    with running() as platform, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        engine = create(read({"DATABASE_URL": platform.database_url}))
        drop_parents(platform, engine)
        ours = f"{'rows':>12} {'bad':>5} {'rows/s':>9} {'CPU s/M':>8} {'peak MB':>8}"
        print(f"{ours} {'copy rows/s':>12} {'ratio':>6}")
        # Files of bad rows last: the process keeps some of the memory that they take.
        for share in BAD_SHARES:
            for rows in sizes:
                report(platform, engine, Path(folder), rows, share)


def report(
    platform: Platform, engine: sa.Engine, folder: Path, rows: int, bad_share: float
) -> None:
    """Print how fast a file is loaded, from its event to its finished ledger entry."""
    given = hires.write(folder / "given.csv", rows, bad_share)
    clean = folder / "clean.csv"
    with clean.open("wb") as sink:
        sink.writelines(line for line in hires.lines(rows, bad_share) if b",," not in line)
    reset_peak_memory(platform, FUNCTION)
    ours, theirs, spent = [], [], []
    for _ in range(ROUNDS if rows <= MOST_ROWS_IN_ROUNDS else 1):
        before = cpu_seconds(platform, FUNCTION)
        ours.append(ingest(platform, engine, given))
        spent.append(cpu_seconds(platform, FUNCTION) - before)
        if bad_share < 1:
            theirs.append(copy(platform, clean))
    rate, memory = rows / statistics.median(ours), peak_memory(platform, FUNCTION) / 1e6
    cpu = statistics.median(spent) * 1e6 / rows
    line = f"{rows:>12,} {bad_share:>5.0%} {rate:>9,.0f} {cpu:>8.2f} {memory:>8,.0f}"
    if theirs:
        copied = rows * (1 - bad_share) / statistics.median(theirs)
        line += f" {copied:>12,.0f} {rate / copied:>6.2f}"
    print(line, flush=True)


def drop_parents(platform: Platform, engine: sa.Engine) -> None:
    """Load departments and jobs, and wait for them."""
    for table, text in hires.parents().items():
        bucket(platform).blob(f"{table}.csv").upload_from_string(text)
        wait(engine, f"select count(*) > 0 from {table}")


def ingest(platform: Platform, engine: sa.Engine, path: Path) -> float:
    """Seconds from the event of a file to its finished ledger entry, into an empty table."""
    with engine.begin() as connection:
        connection.exec_driver_sql(TRUNCATE)
    bucket(platform).blob(f"hired_employees-{next(numbers)}.csv").upload_from_filename(path)
    started = time.perf_counter()
    wait(engine, "select count(*) > 0 from loads where state = 'done' and finished_at is not null")
    seconds = time.perf_counter() - started
    # Its rejects are still being written, which would slow down the next file.
    while any(bucket(platform).list_blobs()):
        time.sleep(0.1)
    return seconds


def copy(platform: Platform, path: Path) -> float:
    """Seconds that psql's \\copy takes into a table of the same shape."""
    with postgres.constrained(platform.database_url) as url:
        started = time.perf_counter()
        subprocess.run(postgres.copy(url, path), check=True)
        return time.perf_counter() - started


def bucket(platform: Platform) -> storage.Bucket:
    """The uploads bucket."""
    config = platform.description["storage"]
    return clients.of_storage(config["endpoint"]).bucket(config["uploads"])


def wait(engine: sa.Engine, question: str) -> None:
    """Wait until a query answers yes."""
    for _ in range(60_000):
        with engine.connect() as connection:
            if connection.scalar(sa.text(question)):
                return
        time.sleep(0.01)
    raise TimeoutError(question)


if __name__ == "__main__":
    main()
