"""How fast rows are exported for BigQuery, compared with an export row by row.

    python -m tests.benchmarks.export [ROWS]

Exports all rows, one load with nearly all rows, and one load with a few. Row by row, each row comes
from COPY and becomes a record of fastavro's writer.
"""

import statistics
import sys
import uuid
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from fastavro.write import Writer

from shared import tables
from shared.avro import schemas
from shared.database.copy import copy_out
from shared.database.engine import create, transaction
from shared.settings import read as read_settings
from shared.warehouse.export import Extract, export
from shared.warehouse.star import projections
from tests.benchmarks.backup import prepare, timed
from tests.support import clients
from tests.support.platform import running

ROUNDS = 3
FEW = 100
HIRES = tables.find("hired_employees")
PROJECTION = next(one for one in projections() if one.table == HIRES)
SMALL_LOAD, LARGE_LOAD = uuid.UUID(int=7), uuid.UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
CONDITIONS = {
    "all rows": "",
    "one load of nearly all": f"load_id = '{LARGE_LOAD}'",
    "one load of a few": f"load_id = '{SMALL_LOAD}'",
}
# As whole microseconds, so that no datetime is created for each row.
MICROS = "cast(extract(epoch from {}) * 1000000 as bigint)"
COLUMNS = {
    "id": int,
    "name": str,
    "datetime": int,
    "department_id": int,
    "job_id": int,
    "accepted_at": int,
    "load_id": str,
}


def main() -> None:
    """Run and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with running() as platform:
        target = prepare(platform, rows)
        engine = create(read_settings({"DATABASE_URL": target["database_url"]}))
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"update hired_employees set load_id = '{SMALL_LOAD}' where id % {rows // FEW} = 0"
            )
        storage_client = clients.of_storage(target["endpoint"])
        for what, condition in CONDITIONS.items():
            compare(what, engine, storage_client, target["bucket"], condition)
        engine.dispose()
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
    print(f"{'peak memory, both ways':<24} {peak / 1e3:>7,.0f} MB")


def compare(what: str, engine: sa.Engine, storage_client: Any, bucket: str, condition: str) -> None:
    """Print how long both ways take, alternately so that both run under the same conditions."""
    counts: list[int] = []

    def row_by_row() -> None:
        blob = storage_client.bucket(bucket).blob(f"{uuid.uuid4().hex}.avro", chunk_size=4 << 20)
        with transaction(engine) as connection, blob.open("wb", ignore_flush=True) as stream:
            sink = RowByRow(stream)
            copy_out(connection, copy_of(condition), sink)
            sink.writer.flush()
        counts.append(sink.count)

    def in_bulk() -> None:
        extract = Extract(PROJECTION, uuid.uuid4().hex, condition)
        with transaction(engine) as connection:
            counts.append(export(connection, extract, storage_client, bucket).rows)

    rounds = [(timed(row_by_row), timed(in_bulk)) for _ in range(ROUNDS)]
    (rows,) = set(counts)
    slow, fast = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(
        f"{what:<24} {rows:>9,} rows  {slow:>7.3f} s row by row  {fast:>7.3f} s in bulk"
        f"  {slow / fast:>6.2f} times as fast"
    )


class RowByRow:
    """Takes rows from COPY in text format, and writes records with fastavro."""

    def __init__(self, stream: BinaryIO) -> None:
        schema = schemas.of_table(HIRES).declared
        self.writer = Writer(stream, schema, codec="deflate", compression_level=1)
        self.count = 0

    def write(self, data: bytes, /) -> None:
        """Write one row; none of these rows has escaped characters."""
        cells = bytes(data).decode()[:-1].split("\t")
        values = [kind(cell) for kind, cell in zip(COLUMNS.values(), cells, strict=True)]
        self.writer.write(dict(zip(COLUMNS, values, strict=True)))
        self.count += 1


def copy_of(condition: str) -> str:
    """The COPY statement for the export row by row."""
    moments = {"datetime", "accepted_at"}
    selected = (MICROS.format(f'"{name}"') if name in moments else name for name in COLUMNS)
    where = f" where {condition}" if condition else ""
    return f"copy (select {', '.join(selected)} from hired_employees{where}) to stdout"


if __name__ == "__main__":
    main()
