"""The lock of syncs."""

import threading
import time

import pytest

from shared.faults import DatabaseAway
from shared.warehouse import lock

CUT = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
"""


def test_whoever_waits_for_the_lock_and_is_cut_off_may_come_again(engine, execute):
    # It was a fault of another kind before, which nobody comes again after.
    def cut():
        limit = time.monotonic() + 20
        while not execute(CUT) and time.monotonic() < limit:
            time.sleep(0.02)

    with lock.taken(engine) as held:
        assert held is not None
        cutting = threading.Thread(target=cut)
        cutting.start()
        with pytest.raises(DatabaseAway), lock.taken(engine, wait_seconds=30):
            pytest.fail("the lock was taken twice")
        cutting.join()
        held.check()
