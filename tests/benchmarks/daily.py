"""How fast a day's file goes into a large table, compared with INSERT … ON CONFLICT in psql.

    python -m tests.benchmarks.daily [ROWS [NEW_ROWS]]

The table has ROWS (10 million by default); each file has as many new rows (100,000) as it has
changed ones. psql copies it to a staging table and merges it from there, in one transaction, into
the same table of the same PostgreSQL. The two take turns. Ours also writes the ledger, the replaced
versions, and checks every value.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from shared.database.engine import create
from shared.settings import read
from tests.benchmarks import ingest, postgres
from tests.support import hires
from tests.support.platform import Platform, running

ROUNDS = 3
numbers = count(1)
FILL = f"""
    insert into hired_employees
    select n, 'Given' || mod(n, 997) || ' Family' || mod(n, 7919),
        timestamptz '2021-01-01T00:00:00Z' + mod(n, 500) * interval '1 day',
        mod(n, {hires.DEPARTMENTS}) + 1, mod(n, {hires.JOBS}) + 1, now(), gen_random_uuid()
    from generate_series(cast(:first as bigint), cast(:last as bigint)) as n
"""
# Each load of it has another id, as ours have.
MERGE = """
    begin;
    create temporary table staged (like hired_employees) on commit drop;
    alter table staged alter accepted_at set default now(), alter load_id set default '{load_id}';
    \\copy staged (id, name, datetime, department_id, job_id) from '{path}' csv
    insert into hired_employees select * from staged
    on conflict (id) do update set name = excluded.name, datetime = excluded.datetime,
        department_id = excluded.department_id, job_id = excluded.job_id,
        accepted_at = excluded.accepted_at, load_id = excluded.load_id;
    commit;
"""


def main() -> None:
    """Run and print."""
    rows, new = (*map(int, sys.argv[1:]), *(10_000_000, 100_000)[len(sys.argv) - 1 :])[:2]
    with running() as platform, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        engine = create(read({"DATABASE_URL": platform.database_url}))
        ingest.drop_parents(platform, engine)
        fill(engine, rows)
        ours, theirs = [], []
        for turn in range(ROUNDS):
            # Changed rows lie all over the table.
            for found, load in ((ours, dropped), (theirs, merged)):
                path = Path(folder) / "day.csv"
                place = 2 * turn + (found is theirs)
                path.write_bytes(b"".join(lines(rows, new, place)))
                found.append(load(platform, engine, path))
        seconds, compared = statistics.median(ours), statistics.median(theirs)
        print(f"{new:,} new and {new:,} changed rows, into {rows:,}")
        print(
            f"dropped, from event to ledger    {seconds:>6.2f} s, {2 * new / seconds:>9,.0f} rows/s"
        )
        print(
            f"INSERT … ON CONFLICT in psql     {compared:>6.2f} s; ratio {seconds / compared:.2f}"
        )
        engine.dispose()


def fill(engine: sa.Engine, rows: int) -> None:
    """Fill the table, and let PostgreSQL tidy it up."""
    for first in range(1, rows + 1, 1_000_000):
        with engine.begin() as connection:
            last = min(first + 999_999, rows)
            connection.execute(sa.text(FILL), {"first": first, "last": last})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze hired_employees")
        connection.exec_driver_sql("checkpoint")


def lines(rows: int, new: int, turn: int) -> Iterator[bytes]:
    """A day's file: rows that no other file has, and changes of stored ones."""
    first, step = rows + turn * new + 1, max(rows // new, 1)
    for n in range(new):
        yield b"%d,New %d,2021-07-27T16:02:08Z,%d,%d\n" % (first + n, n, n % 9 + 1, n % 99 + 1)
        changed = n * step + turn + 1
        yield b"%d,Changed %d,2021-07-27T16:02:08Z,%d,%d\n" % (changed, n, n % 9 + 1, n % 99 + 1)


def dropped(platform: Platform, engine: sa.Engine, path: Path) -> float:
    """Seconds from a file's event to its finished entry in the ledger."""
    name = f"hired_employees-day-{next(numbers)}.csv"
    ingest.bucket(platform).blob(name).upload_from_filename(path)
    started = time.perf_counter()
    ingest.wait(
        engine,
        "select count(*) > 0 from loads where state = 'done' and finished_at is not null"
        f" and source like '%/{name}#%'",
    )
    return time.perf_counter() - started


def merged(platform: Platform, engine: sa.Engine, path: Path) -> float:
    """Seconds that psql takes for the same."""
    load_id = f"00000000-0000-0000-0000-{next(numbers):012}"
    started = time.perf_counter()
    subprocess.run(
        postgres.psql(platform.database_url),
        input=MERGE.format(load_id=load_id, path=path).encode(),
        check=True,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
