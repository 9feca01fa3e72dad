"""Other sessions, which a test holds up or lets go on, and tables of a test's own."""

import io
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from shared import tables
from shared.database.migrate import migrate
from shared.loading import waiting
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.validation.csv_rows import blocks


@pytest.fixture
def uncommitted(engine):
    """A transaction of another session that has done something, until it is told how to end."""

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
def add(engine):
    """Add a table to the dictionary and the database, and give what loads CSV into it."""
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
