"""A sync of the test's database with its warehouse, and ways to load and compare rows."""

import io
import itertools
import json
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from shared import tables
from shared.database.engine import transaction
from shared.errors import TransientError
from shared.loading import waiting
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.storage import ObjectStore
from shared.validation.csv_rows import blocks
from shared.warehouse.star import projections
from shared.warehouse.sync import Sync
from tests.support.checkout import ROOT
from tests.warehouse.hooked import HookedWarehouse

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def staging(storage_client):
    """The staging bucket, from which BigQuery loads rows."""
    name = f"staging-{uuid.uuid4().hex}"
    storage_client.create_bucket(name)
    return name


@pytest.fixture
def sync(engine, warehouse, storage_client, staging):
    """A sync of the test's database with the test's warehouse."""
    return Sync(engine, warehouse, ObjectStore(storage_client), staging)


@pytest.fixture
def sync_after(engine, warehouse, storage_client, staging):
    """Makes such a sync that calls a function of the test before each call to BigQuery."""

    def make(before):
        hooked = HookedWarehouse(warehouse.client, warehouse.names, 30, before)
        return Sync(engine, hooked, ObjectStore(storage_client), staging)

    return make


@pytest.fixture
def drop(engine):
    """Loads CSV text into a table as a file, accepted some minutes after noon."""
    numbers = itertools.count(1)

    def act(table, text, minute=0):
        source = Source(
            identity=f"gs://uploads/{table}.csv#{next(numbers)}",
            kind="file",
            table_name=table,
            accepted_at=NOON + timedelta(minutes=minute),
        )
        stream = io.BytesIO(text.encode())
        entry = load(engine, source, lambda: blocks(tables.find(table), stream, 1 << 20))
        list(waiting.release_after(engine, entry))
        return entry

    return act


@pytest.fixture
def execute(engine):
    """Runs a statement on the database; returns its rows as tuples, if it has any."""

    def act(sql, **values):
        with transaction(engine) as connection:
            result = connection.execute(sa.text(sql), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    return act


@pytest.fixture
def ask(warehouse):
    """Runs a query on the warehouse; returns its rows as tuples."""

    def act(sql):
        return [tuple(row.values()) for row in warehouse.query(warehouse.names.resolved(sql))]

    return act


@pytest.fixture
def differences(execute, ask):
    """Lists the tables whose rows differ between BigQuery and PostgreSQL in any column."""

    def act():
        found = []
        for projection in projections():
            mine = execute(f"select * from {projection.table.name}")
            columns = ", ".join(column.name for column in projection.projected)
            theirs = ask(f"select {columns} from `warehouse.{projection.target}`")
            if sorted((*row[:-1], str(row[-1])) for row in mine) != sorted(theirs):
                found.append(projection.table.name)
        return found

    return act


@pytest.fixture
def restored(execute):
    """Records that a table was restored, so that the next sync copies all of it."""

    def act(table):
        execute(
            "insert into loads (load_id, source, kind, table_name, state, accepted_at, finished_at)"
            " values (gen_random_uuid(), gen_random_uuid()::text, 'restore', :table, 'done',"
            " now(), clock_timestamp())",
            table=table,
        )

    return act


@pytest.fixture
def run_when_free(sync):
    """Syncs as soon as PostgreSQL and BigQuery have noticed that a killed sync is gone."""

    def act():
        for _ in range(200):
            # Its lock may still be held, and its last statement may still be running.
            with suppress(TransientError):
                if not sync.run().running_elsewhere:
                    return
            time.sleep(0.05)
        raise AssertionError("the lock of a killed sync was not released")

    return act


@pytest.fixture
def start_sync(warehouse, database_url, staging, storage_endpoint, bigquery_endpoint):
    """Starts a sync in its own process; returns its pid and the output of `killed_syncs.py`."""
    settings = {
        "names": astuple(warehouse.names),
        "bucket": staging,
        "database_url": database_url,
        "storage": storage_endpoint,
        "bigquery": bigquery_endpoint,
    }
    words = [sys.executable, "-m", "tests.warehouse.killed_syncs", json.dumps(settings)]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def start(line):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            return int(process.stdout.readline()), process.stdout

        yield start
        process.stdin.close()


@pytest.fixture
def not_synced(execute):
    """How many loads are not in the warehouse yet."""
    return lambda: execute("select count(*) from loads where synced_at is null")[0][0]
