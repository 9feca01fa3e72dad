"""The lock of syncs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from shared.database.engine import create, transaction
from shared.errors import DatabaseUnavailable
from shared.settings import read
from shared.warehouse import lock

CUT = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
"""


@pytest.fixture
def elsewhere(database_url):
    """A second engine on the same database, like another process's."""
    made = create(read({"DATABASE_URL": database_url}))
    yield made
    made.dispose()


def test_a_wait_for_the_lock_that_loses_its_connection_can_be_retried(engine, elsewhere, execute):
    # It once raised a permanent error, which is not retried.
    def cut():
        limit = time.monotonic() + 20
        while not execute(CUT) and time.monotonic() < limit:
            time.sleep(0.02)

    with lock.hold(engine) as held:
        assert held is not None
        cutting = threading.Thread(target=cut)
        cutting.start()
        with pytest.raises(DatabaseUnavailable), lock.hold(elsewhere, wait_seconds=30):
            pytest.fail("the lock was acquired twice")
        cutting.join()
        held.check()


def test_waiting_syncs_leave_the_holder_a_connection_to_work_with(database_url):
    crowded = create(read({"DATABASE_URL": database_url, "DATABASE_POOL_SIZE": "3"}))
    waiting = threading.Barrier(9)

    def work(_):
        waiting.wait(60)
        # Without a free connection, the holder would fail, and those who wait would be too late.
        with lock.hold(crowded, wait_seconds=20) as held, transaction(crowded) as connection:
            assert held is not None
            time.sleep(0.05)
            held.check()
            return connection.exec_driver_sql("select 1").scalar()

    with ThreadPoolExecutor(9) as pool:
        assert list(pool.map(work, range(9))) == [1] * 9
    crowded.dispose()


@pytest.mark.parametrize("wait_seconds", [0, 0.0004, 0.3])
def test_the_lock_cannot_be_held_twice(engine, elsewhere, wait_seconds):
    def waited(other):
        started = time.monotonic()
        with lock.hold(other, wait_seconds) as again:
            assert again is None
        seconds = time.monotonic() - started
        assert wait_seconds <= seconds
        return seconds

    with lock.hold(engine) as held:
        assert held is not None
        for other in (engine, elsewhere):
            # The best of some: a busy machine is slow now and then.
            assert any(waited(other) < wait_seconds + 0.5 for _ in range(20))
    for other in (engine, elsewhere):
        with lock.hold(other) as held:
            assert held is not None


def test_a_caller_that_says_nothing_does_not_wait(engine, elsewhere):
    def seconds():
        started = time.monotonic()
        with lock.hold(elsewhere) as again:
            assert again is None
        return time.monotonic() - started

    with lock.hold(engine):
        assert any(seconds() < 0.5 for _ in range(20))


def test_a_connection_that_waited_for_the_lock_waits_for_others_as_before(database_url):
    single = create(read({"DATABASE_URL": database_url, "DATABASE_POOL_SIZE": "1"}))
    with transaction(single) as connection:
        before = connection.exec_driver_sql("show lock_timeout").scalar()

    with lock.hold(single, wait_seconds=5) as held:
        assert held is not None

    with transaction(single) as connection:
        assert connection.exec_driver_sql("show lock_timeout").scalar() == before
    single.dispose()


def test_a_session_that_could_not_release_the_lock_is_ended(engine, elsewhere):
    def fail(*given):
        if "unlock" in given[2]:
            raise ConnectionError("the request was lost")

    sa.event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(DatabaseUnavailable), lock.hold(engine) as held:
        assert held is not None

    # The session would hold it for as long as the pool keeps its connection.
    with lock.hold(elsewhere, wait_seconds=5) as held:
        assert held is not None
