"""Other sessions that block or are blocked, files to load, and tables for a single test."""

import io
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from shared import tables
from shared.database.engine import create
from shared.database.migrate import migrate
from shared.loading import waiting
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.settings import read
from shared.validation.csv_rows import blocks
from tests.database.moments import NOON

WRITER = "writer_of_tests_database"


@pytest.fixture
def uncommitted(engine):
    """A transaction of another session, open after a statement; the test commits or ends it."""

    @contextmanager
    def act(sql):
        with engine.connect() as connection:
            connection.exec_driver_sql(sql)
            yield connection

    return act


@pytest.fixture
def until_blocked(rows):
    """Wait until a session waits for a lock that another one holds."""

    def act():
        blocked = "select pid from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0"
        for _ in range(1000):
            if rows(blocked):
                return
            time.sleep(0.01)
        raise AssertionError("no session waits for a lock")

    return act


@pytest.fixture
def drop(engine):
    """Load CSV text into a table, as a file dropped some minutes after noon."""
    numbers = iter(range(1, 10_000))

    def act(table, text, minute=0, **changes):
        source = Source(
            identity=changes.pop("identity", f"gs://uploads/{table}.csv#{next(numbers)}"),
            kind="file",
            table_name=table,
            accepted_at=NOON + timedelta(minutes=minute),
            **changes,
        )
        stream = io.BytesIO(text if isinstance(text, bytes) else text.encode())
        entry = load(engine, source, lambda: blocks(tables.find(table), stream, 1 << 20))
        list(waiting.release_after(engine, entry))
        return entry

    return act


@pytest.fixture
def add(engine):
    """Add a table to the dictionary and the database; returns a function that loads CSV into it."""
    known = tables.all_tables()
    before = dict(known)
    numbers = iter(range(1000))

    def act(table):
        known[table.name] = table
        migrate(engine)

        def drop(text):
            source = Source(f"gs://u/{next(numbers)}", "file", table.name, datetime.now(UTC))
            entry = load(engine, source, lambda: blocks(table, io.BytesIO(text.encode()), 1 << 20))
            list(waiting.release_after(engine, entry))
            return entry.counts

        return drop

    yield act
    known.clear()
    known.update(before)


@pytest.fixture
def as_writer(engine, database_url):
    """An engine whose role may only change rows, as on Cloud SQL."""
    owner, _, place = database_url.partition("://")[2].rpartition("@")
    assert owner
    with engine.begin() as connection:
        connection.exec_driver_sql(f"drop role if exists {WRITER}")
        connection.exec_driver_sql(f"create role {WRITER} login password 'writer'")
        connection.exec_driver_sql(
            f"grant select, insert, update, delete on all tables in schema public to {WRITER}"
        )
    made = create(read({"DATABASE_URL": f"postgresql://{WRITER}:writer@{place}"}))
    yield made
    made.dispose()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"drop owned by {WRITER}")
        connection.exec_driver_sql(f"drop role {WRITER}")


@pytest.fixture
def own_trigger(engine):
    """A trigger of the operator's, which writes the id of each new hire to the table `seen`."""
    with engine.begin() as connection:
        connection.exec_driver_sql("create table seen (id bigint)")
        connection.exec_driver_sql(
            "create function see() returns trigger language plpgsql as"
            " $$ begin insert into seen values (new.id); return new; end $$"
        )
        connection.exec_driver_sql(
            "create trigger see after insert on hired_employees for each row execute function see()"
        )
