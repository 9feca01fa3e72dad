"""A warehouse whose syncs are killed again and again ends up equal to PostgreSQL."""

import itertools
import os
import random
import signal
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from shared.errors import TransientError

pytestmark = pytest.mark.slow


KILLS = 50


@pytest.fixture
def load(drop, execute, restored):
    """Runs loads of every kind, one after the other, until the block ends."""

    def once(chance, minute):
        numbers = chance.sample(range(1, 400), 30)
        if minute % 25 == 24:
            execute("delete from hired_employees where mod(id, 7) = :rest", rest=minute % 7)
            restored("hired_employees")
        elif minute % 5 == 0:
            drop("jobs", "".join(f"{n % 9 + 1},Job {minute}-{n}\n" for n in numbers[:3]), minute)
        else:
            lines = (
                f"{n},Name {minute},202{n % 3}-0{n % 9 + 1}-11T12:13:14Z,{n % 3 + 1},{n % 9 + 1}\n"
                for n in numbers
            )
            drop("hired_employees", "".join(lines), minute)

    @contextmanager
    def under_way(seed):
        over, errors = threading.Event(), []

        def act():
            chance, minute = random.Random(seed), 0
            try:
                while not over.wait(0.05):
                    minute += 1
                    # After a transient error the next round sends another load.
                    with suppress(TransientError):
                        once(chance, minute)
            except Exception as error:  # noqa: BLE001 - the test reports it
                errors.append(error)

        thread = threading.Thread(target=act)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert errors == []

    return under_way


def test_a_sync_killed_fifty_times_under_load_ends_up_equal_to_postgresql(
    drop, start_sync, load, run_when_free, warehouse, execute, differences, not_synced
):
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    drop("departments", "1,Sales\n2,Legal\n3,Support\n")
    drop("jobs", "".join(f"{n},Job\n" for n in range(1, 10)))
    half_done = 0
    began = time.monotonic()
    _, printed = start_sync("0")
    assert int(printed.readline()) == 0
    whole_seconds = time.monotonic() - began

    with load(seed):
        for kills in itertools.count(1):
            pid, printed = start_sync("")
            time.sleep(chance.uniform(0.1, 1.5) * whole_seconds)
            os.kill(pid, signal.SIGKILL)
            assert int(printed.readline()) == -signal.SIGKILL, f"seed {seed}"
            half_done += _has_staging(warehouse)
            # At least one kill must hit a running sync, or the test proves nothing.
            if kills >= KILLS and (half_done or kills >= 2 * KILLS):
                break
    run_when_free()

    assert (differences(), not_synced()) == ([], 0), f"seed {seed}"
    loads = execute("select count(*) from loads")[0][0]
    assert loads > KILLS
    assert half_done > 0


def _has_staging(warehouse):
    dataset = f"{warehouse.names.project}.{warehouse.names.warehouse}"
    names = [table.table_id for table in warehouse.client.list_tables(dataset)]
    return any(name.startswith("staging_") for name in names)
