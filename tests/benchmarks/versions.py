"""What it costs to keep each version of a row, compared with a load that keeps none.

    python -m tests.benchmarks.versions [ROWS]

A load of rows whose keys are stored is rolled back each time: rows that are superseded, replaced,
or confirmed. In the same run, the same statement is tried without its inserts into row_versions.
"""

import re
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from shared import tables
from shared.database.copy import copy_in
from shared.database.engine import create
from shared.loading import load
from shared.loading.merge_sql import merge_sql
from shared.settings import read as read_settings
from shared.tables.table import Table
from tests.benchmarks.backup import prepare, timed
from tests.support.platform import running

ROUNDS = 3
HIRES = tables.find("hired_employees")
STORED_AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
ROW = "{at}\t{at}\t{name}\t2021-01-01T00:00:00Z\t1\t1\n"
# What a load brings: when it was accepted, and whether its rows are those that are stored.
LOADS = {
    "superseded": (STORED_AT - timedelta(days=1), False),
    "replaced": (STORED_AT + timedelta(days=1), False),
    "confirmed": (STORED_AT + timedelta(days=1), True),
}
PREPARE = (
    "update hired_employees set name = 'Ann', datetime = '2021-01-01T00:00:00Z', job_id = 1,"
    " department_id = 1"
)
KEPT = re.compile(r"^\w+ as \(\n    insert into row_versions.*?^\),\n", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Run and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with running() as platform:
        target = prepare(platform, rows)
        engine = create(read_settings({"DATABASE_URL": target["database_url"]}))
        with engine.begin() as connection:
            connection.exec_driver_sql(PREPARE)
            connection.exec_driver_sql("analyze hired_employees")
        for what, (accepted_at, same) in LOADS.items():
            compare(what, engine, rows, accepted_at, same)
        engine.dispose()


def compare(what: str, engine: sa.Engine, rows: int, accepted_at: datetime, same: bool) -> None:
    """Print how long both take, alternately so that both run under the same conditions."""
    sizes = []
    text = "".join(ROW.format(at=at, name="Ann" if same else "Bob") for at in range(1, rows + 1))

    def merge(statement: Callable[..., str]) -> None:
        load.merge_sql = statement
        with engine.connect() as connection, connection.begin() as begun:
            connection.exec_driver_sql("truncate row_versions")
            load.begin(connection, HIRES, load.Merge(uuid4(), accepted_at, None))
            copy_in(connection, merge_sql(HIRES, "copy"), (text.encode(),))
            counts = load.merge_staged(connection, HIRES, rows)
            assert counts.read == rows and not counts.inserted, counts
            sizes.append(size(connection))
            begun.rollback()

    rounds = [
        (timed(lambda: merge(without_versions)), timed(lambda: merge(merge_sql)))
        for _ in range(ROUNDS)
    ]
    none, kept = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(
        f"{what:<12} {rows:>9,} rows  {rows / none:>9,.0f} rows/s without versions,"
        f" {rows / kept:>9,.0f} with; ratio {none / kept:.2f}; {max(sizes) / rows:,.0f} bytes a row"
    )


def size(connection: sa.Connection) -> int:
    """Bytes of row_versions, its indexes included."""
    found = connection.exec_driver_sql("select pg_total_relation_size('row_versions')")
    return int(found.scalar_one())


def without_versions(table: Table, name: str) -> str:
    """Compose a statement without its inserts into row_versions."""
    return KEPT.sub("", merge_sql(table, name))


if __name__ == "__main__":
    main()
