"""An export has exactly the rows selected, however they are read from PostgreSQL."""

import io
import uuid
from datetime import timedelta

import fastavro
import pytest

from shared import tables
from shared.avro import schemas, table_rows
from shared.database.engine import transaction
from shared.warehouse.export import Extract, export
from shared.warehouse.star import projections
from tests.warehouse.conftest import NOON

JOBS = tables.find("jobs")
PROJECTION = next(one for one in projections() if one.table == JOBS)
FIRST, SECOND = uuid.UUID(int=1), uuid.UUID(int=2**128 - 1)
ROWS = 20_000


@pytest.fixture
def jobs(execute):
    """Jobs of two loads, the second's spread over the table."""
    execute(
        "insert into jobs select i, 'Jöb' || chr(9) || i || repeat('x', mod(i, 50)),"
        " timestamptz '2026-01-01 12:00:00.000001+00',"
        " case when mod(i, 7) = 0 then cast(:second as uuid) else cast(:first as uuid) end"
        " from generate_series(1, cast(:rows as int)) i",
        first=str(FIRST),
        second=str(SECOND),
        rows=ROWS,
    )
    execute("delete from jobs where id between 5000 and 9000")


@pytest.fixture
def exported(engine, storage_client, staging):
    """Exports the jobs that a condition selects; returns the rows as fastavro reads them."""

    def act(condition):
        with transaction(engine) as connection:
            extract = Extract(PROJECTION, uuid.uuid4().hex, condition)
            done = export(connection, extract, storage_client, staging)
        blob = storage_client.bucket(staging).blob(done.name)
        reader = fastavro.reader(io.BytesIO(blob.download_as_bytes()))
        blob.delete()
        rows = sorted(tuple(row.values()) for row in reader)
        assert reader.writer_schema["fields"] == schemas.of_table(JOBS).declared["fields"]
        assert reader.codec == "deflate"
        assert done.rows == len(rows)
        return rows

    return act


CONDITIONS = {
    "all": ("", lambda i: True),
    "one load": (f"load_id = '{FIRST}'", lambda i: i % 7),
    "a spread load": (f"load_id = any('{{{SECOND}}}'::uuid[])", lambda i: i % 7 == 0),
    "two conditions": (f"load_id = '{SECOND}' or id < 10", lambda i: i % 7 == 0 or i < 10),
    "a few": ("mod(id, 1000) = 0", lambda i: i % 1000 == 0),
    "none": ("id < 0", lambda i: False),
}
WAYS = {
    "as they are": {},
    "in one piece": {"_FEW_ROWS": 10 * ROWS},
    "by pages": {"_FEW_ROWS": 0, "_SPARSE": 0, "_FIRST_PAGES": 3},
    "one by one": {"_FEW_ROWS": 0, "_SPARSE": ROWS},
}


@pytest.mark.parametrize("way", WAYS)
def test_an_export_has_the_rows_selected(way, jobs, exported, monkeypatch):
    for name, value in WAYS[way].items():
        monkeypatch.setattr(table_rows, name, value)
    moment = NOON + timedelta(microseconds=1)

    for condition, (text, selects) in CONDITIONS.items():
        assert exported(text) == [
            (i, f"Jöb\t{i}{'x' * (i % 50)}", moment, str(SECOND if i % 7 == 0 else FIRST))
            for i in range(1, ROWS + 1)
            if selects(i) and not 5000 <= i <= 9000
        ], condition


def test_queries_after_an_export_are_planned_as_before(jobs, engine, storage_client, staging):
    settings = (
        "select name, setting from pg_settings where name like 'enable_%'"
        " or name = 'max_parallel_workers_per_gather' order by name"
    )
    with transaction(engine) as connection:
        before = connection.exec_driver_sql(settings).all()
        for condition in ("", f"load_id = '{FIRST}'"):
            extract = Extract(PROJECTION, uuid.uuid4().hex, condition)
            done = export(connection, extract, storage_client, staging)
            storage_client.bucket(staging).blob(done.name).delete()

        assert connection.exec_driver_sql(settings).all() == before
