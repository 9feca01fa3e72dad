"""How fast a table is backed up and restored, compared with pg_dump and fastavro.

    python -m tests.benchmarks.backup [ROWS]

All in one run, with hires and with events, which have the other kinds of field and NULLs. A backup
includes reading it back and comparing it; pg_dump only writes.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import fastavro
import sqlalchemy as sa

from shared import tables
from shared.avro import rows as avro_rows
from shared.avro.container import Reader
from shared.avro.schemas import FileSchema
from shared.backups.backup import Backups
from shared.backups.restore import RestoreRequest, restore
from shared.database.engine import create
from shared.database.migrate import migrate
from shared.settings import read as read_settings
from shared.tables import (
    Boolean,
    Choice,
    Date,
    Decimal,
    Float,
    Integer,
    Json,
    LocalTimestamp,
    Row,
    Table,
    Uuid,
)
from tests.benchmarks import postgres
from tests.support import clients, hires
from tests.support.checkout import ROOT
from tests.support.every_system import added
from tests.support.platform import Platform, running

ROUNDS = 3
SMALL_ROWS = 100_000
HIRES = tables.find("hired_employees")
TASKS = ("backup", "restore")


class Event(Row):
    """Something that a device has seen."""

    id = Integer(minimum=1)
    device = Uuid()
    day = Date()
    price = Decimal(digits=12, places=2)
    weight = Float(optional=True)
    is_open = Boolean()
    details = Json(optional=True)
    seen_at = LocalTimestamp()
    status = Choice(of=("open", "paid", "sent"), optional=True)


EVENTS = Table("events", Event)


def main() -> None:
    """Run and print; with --alone, do one task and print its peak memory."""
    if sys.argv[1:2] == ["--alone"]:
        alone(*sys.argv[2:])
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with running() as platform:
        large, small = (prepare(platform, count) for count in (rows, SMALL_ROWS))
        speed(large, HIRES, rows)
        with added(EVENTS):
            speed(large, EVENTS, rows)
        memory(large, small, rows)


def prepare(platform: Platform, rows: int) -> dict[str, str]:
    """Create a database with that many hires, and a bucket; returns their addresses."""
    name = f"bench_{rows}"
    base = platform.database_url.rsplit("/", 1)[0]
    admin = create(read_settings({"DATABASE_URL": platform.database_url}))
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"create database {name}")
    admin.dispose()
    target = {
        "database_url": f"{base}/{name}",
        "bucket": name.replace("_", "-"),
        "endpoint": platform.description["storage"]["endpoint"],
    }
    clients.of_storage(target["endpoint"]).create_bucket(target["bucket"])
    engine = create(read_settings({"DATABASE_URL": target["database_url"]}))
    with added(EVENTS):
        migrate(engine)
    with engine.begin() as connection:
        for statement in FILL:
            connection.exec_driver_sql(statement.format(rows=rows))
        connection.exec_driver_sql("analyze hired_employees, events")
    engine.dispose()
    return target


OWN = "timestamptz '2026-01-01 12:00:00.123456+00', '7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10'::uuid"
FILL = (
    f"insert into departments select i, 'Department ' || i, {OWN}"
    f" from generate_series(1, {hires.DEPARTMENTS}) i",
    f"insert into jobs select i, 'Job ' || i, {OWN} from generate_series(1, {hires.JOBS}) i",
    "insert into hired_employees"
    " select i, 'Given' || i % 997 || ' Family' || i % 7919,"
    " timestamptz '2021-01-01 00:00:42+00' + (i * 7919 % 31536000) * interval '1 second',"
    f" i % {hires.DEPARTMENTS} + 1, i % {hires.JOBS} + 1, {OWN}"
    " from generate_series(cast(1 as bigint), {rows}) i",
    "insert into events"
    " select i, md5((i / 7)::text)::uuid, date '2021-01-01' + (i % 365)::int, i / 100.0,"
    " case when i % 3 > 0 then sqrt(i) end, i % 2 = 0,"
    " case when i % 4 = 0 then jsonb_build_object('n', i, 'of', 'device') end,"
    " timestamp '2021-01-01 00:00:42' + (i * 7919 % 31536000) * interval '1 second',"
    f" case when i % 5 > 0 then 'open' end, {OWN}"
    " from generate_series(cast(1 as bigint), {rows}) i",
)


def backups_of(target: dict[str, str]) -> Backups:
    """The backups of such a database."""
    settings = read_settings(
        {"DATABASE_URL": target["database_url"], "BACKUPS_BUCKET": target["bucket"]}
    )
    return Backups(settings, create(settings), clients.of_storage(target["endpoint"]))


def speed(target: dict[str, str], table: Table, rows: int) -> None:
    """Print how fast backup, decoding and restore are."""
    backups = backups_of(target)
    backups.back_up([tables.find("jobs")], "")
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "hires.dump"
        # Alternately, so that both run under the same conditions.
        rounds = [
            (
                timed(lambda: pg_dump(target["database_url"], table, dump)),
                timed(lambda: backups.back_up([table], "")),
            )
            for _ in range(ROUNDS)
        ]
        dumped_bytes = dump.stat().st_size
    theirs, ours = (rows / statistics.median(times) for times in zip(*rounds, strict=True))
    manifest = backups.catalog.find(table.name, "latest")
    print(f"{table.name:<40} {rows:>12,} rows")
    print(f"pg_dump -Fc                              {theirs:>12,.0f} rows/s")
    print(f"backup, read back and verified           {ours:>12,.0f} rows/s")
    print(f"ratio                                    {ours / theirs:>12.2f}")
    print(f"size of the dump                         {dumped_bytes / 1e6:>12.1f} MB")
    print(f"size of the backup                       {manifest.size_bytes / 1e6:>12.1f} MB")
    bucket = clients.of_storage(target["endpoint"]).bucket(target["bucket"])
    content = bucket.blob(manifest.object).download_as_bytes()
    decoding(content, rows)
    restoring(backups, table, rows)
    backups.engine.dispose()


def decoding(content: bytes, rows: int) -> None:
    """Print how fast a file is decoded."""

    def bulk() -> None:
        reader = Reader(io.BytesIO(content))
        schema = FileSchema(reader.header.schema)
        found = sum(
            avro_rows.decode(schema, portion).rows for portion in avro_rows.portions(reader)
        )
        assert found == rows

    def one_by_one() -> None:
        assert sum(1 for _ in fastavro.reader(io.BytesIO(content))) == rows

    rounds = [(timed(one_by_one), timed(bulk)) for _ in range(ROUNDS)]
    theirs, ours = (rows / statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"decoding with fastavro, row by row       {theirs:>12,.0f} rows/s")
    print(f"decoding in bulk                         {ours:>12,.0f} rows/s")
    print(f"ratio                                    {ours / theirs:>12.2f}")


def restoring(backups: Backups, table: Table, rows: int) -> None:
    """Print how fast the table is restored."""
    manifest = backups.catalog.find(table.name, "latest")
    request = RestoreRequest(table, backups.catalog.stored(manifest.object), manifest)

    def act() -> None:
        restore(backups.engine, backups.catalog.client, request, 60)

    unchanged = rows / timed(act)
    with backups.engine.begin() as connection:
        connection.execute(sa.text(f"truncate {table.name}"))
    empty = rows / timed(act)
    print(f"restore of an unchanged table            {unchanged:>12,.0f} rows/s")
    print(f"restore of an empty table, with its keys {empty:>12,.0f} rows/s")


def memory(large: dict[str, str], small: dict[str, str], rows: int) -> None:
    """Print the peak memory of each task, in a separate process."""
    for task in TASKS:
        for target, count in ((small, SMALL_ROWS), (large, rows)):
            peak = peak_of(task, target)
            print(f"peak memory, {task:<8}   {count:>12,} rows  {peak / 1e6:>8,.0f} MB")


def peak_of(task: str, target: dict[str, str]) -> int:
    """Peak resident memory of a process that only does one task, in bytes."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.backup", "--alone", task, json.dumps(target)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return int(ran.stdout.splitlines()[-1])


def alone(task: str, target: str) -> None:
    """Do one task and print its peak memory in bytes."""
    backups = backups_of(json.loads(target))
    if task == "backup":
        backups.back_up([HIRES], "")
    else:
        manifest = backups.catalog.find(HIRES.name, "latest")
        stored = backups.catalog.stored(manifest.object)
        request = RestoreRequest(HIRES, stored, manifest, dry_run=True)
        restore(backups.engine, backups.catalog.client, request, 60)
    status = Path("/proc/self/status").read_text()
    print(next(int(line.split()[1]) * 1024 for line in status.splitlines() if "VmHWM" in line))


def timed(act: Callable[[], object]) -> float:
    """How long something takes, in seconds."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def pg_dump(database_url: str, table: Table, path: Path) -> None:
    """Dump a table with PostgreSQL's own tool."""
    url = urlsplit(database_url)
    subprocess.run(
        [
            postgres.program("pg_dump"),
            "--format=custom",
            f"--table={table.name}",
            f"--file={path}",
            f"--host={url.hostname}",
            f"--port={url.port}",
            f"--username={url.username}",
            url.path.lstrip("/"),
        ],
        check=True,
        env={**os.environ, "PGPASSWORD": url.password or ""},
    )


if __name__ == "__main__":
    main()
