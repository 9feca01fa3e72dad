"""Syncs that are interrupted, overlap or fail lose no rows and mix none up."""

import signal
import threading
import time

import pytest

from shared.database.engine import transaction
from shared.errors import DatabaseUnavailable, WarehouseDiffers, WarehouseUnavailable
from shared.storage import ObjectStore
from shared.warehouse import lock, pending
from shared.warehouse.columns import Column
from shared.warehouse.reconcile import reconcile
from shared.warehouse.sync import Sync
from tests.support.platform import wait_until
from tests.warehouse.hooked import HookedWarehouse

# Clean up, create, load, count, merge, drop, record twice, mark; then the end.
STEPS = range(1, 11)


@pytest.mark.slow
def test_a_sync_killed_at_any_step_and_repeated_gives_the_same_table(
    drop, start_sync, run_when_free, differences, not_synced
):
    for step in STEPS:
        drop("jobs", f"1,Version {step}\n{step + 1},Job {step}\n", minute=step)

        _, printed = start_sync(step)
        assert int(printed.readline()) == -signal.SIGKILL
        run_when_free()

        assert (differences(), not_synced()) == ([], 0), f"killed at step {step}"


def test_a_second_sync_leaves_the_work_to_the_running_one(
    drop, sync, sync_after, differences, not_synced
):
    drop("jobs", "1,Welder\n")
    merging, proceed = threading.Event(), threading.Event()

    def pause(call):
        if call == "create_staging":
            merging.set()
            assert proceed.wait(60)

    first = threading.Thread(target=sync_after(pause).run)
    first.start()
    assert merging.wait(20)
    # Committed after the first sync has read its loads.
    drop("jobs", "2,Tester\n")

    def seconds():
        started = time.monotonic()
        assert sync.run().running_elsewhere
        return time.monotonic() - started

    # It never waits; the best of some, because a busy machine is slow now and then.
    assert any(seconds() < 0.5 for _ in range(20))
    assert first.is_alive()
    proceed.set()
    first.join()
    assert (differences(), not_synced()) == ([], 0)


def test_concurrent_syncs_copy_every_load_once(drop, sync, differences, not_synced):
    def act(number):
        drop("jobs", f"{number},Job {number}\n")
        sync.run()

    threads = [threading.Thread(target=act, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (differences(), not_synced()) == ([], 0)


def test_an_entry_written_while_it_is_being_marked_stays_unmarked(
    drop, engine, execute, not_synced
):
    drop("jobs", "1,Welder\n")
    with transaction(engine) as connection:
        entries = pending.read(connection)
    marked = []

    with transaction(engine) as connection:
        # The mark starts here, waits for this transaction, and must then read the entry again.
        connection.exec_driver_sql("update loads set synced_at = null")
        marking = threading.Thread(target=lambda: marked.append(pending.mark(engine, entries)))
        marking.start()
        blocked = (
            "select pid from pg_stat_activity"
            " where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"
        )
        wait_until(lambda: execute(blocked), "waiting")
    marking.join()

    assert (marked, not_synced()) == ([0], 1)


def test_the_lock_is_held_outside_any_transaction(engine, execute):
    for _ in range(2):
        # The second time, the connection comes from the pool.
        with lock.hold(engine) as held:
            assert held is not None
            states = execute(
                "select state, xact_start from pg_stat_activity join pg_locks using (pid)"
                " where locktype = 'advisory' and objsubid = 2 and datname = current_database()"
            )

        assert states == [("idle", None)]


@pytest.fixture
def lose_the_lock(execute):
    """Ends the session that holds the lock of syncs."""

    def act():
        execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
            " and objsubid = 2 and database = (select oid from pg_database"
            " where datname = current_database())"
        )

    return act


# Before it merges, and after that.
@pytest.mark.parametrize(("losing", "merged"), [("drop_staging", 0), ("drop", 1)])
def test_a_sync_that_lost_its_lock_merges_and_marks_nothing_more(
    losing, merged, drop, sync, sync_after, lose_the_lock, ask, not_synced
):
    drop("jobs", "1,Welder\n")

    with pytest.raises(DatabaseUnavailable):
        sync_after(lambda call: call == losing and lose_the_lock()).run()

    assert ask("select count(*) from `warehouse.dim_jobs`") == [(merged,)]
    assert not_synced() == 1
    assert sync.run().rows == 1


def test_a_reconcile_that_lost_its_lock_repairs_nothing(
    drop, sync, sync_after, lose_the_lock, warehouse, differences
):
    drop("jobs", "1,Welder\n")
    sync.run()
    warehouse.query(f"delete from {warehouse.names.table('dim_jobs')} where true")

    with pytest.raises(DatabaseUnavailable):
        reconcile(sync_after(lambda call: call == "query" and lose_the_lock()), repair=True)

    assert differences() == ["jobs"]


class Doubling(HookedWarehouse):
    """A warehouse whose load jobs load the table jobs twice."""

    def load_avro(self, uri, name, job_id):
        """Load, and load the jobs a second time."""
        super().load_avro(uri, name, job_id)
        if "dim_jobs" in name:
            table = self.names.table(name)
            self.query(f"insert into {table} select * from {table}")


def test_a_table_that_cannot_be_synced_does_not_hold_up_the_others(
    drop, sync, engine, warehouse, storage_client, staging, execute, ask
):
    drop("departments", "1,Sales\n")
    drop("jobs", "1,Welder\n")
    doubling = Doubling(warehouse.client, warehouse.names, 30)

    with pytest.raises(WarehouseDiffers, match="1 rows were exported"):
        Sync(engine, doubling, ObjectStore(storage_client), staging).run()

    assert ask("select count(*) from `warehouse.dim_departments`") == [(1,)]
    assert ask("select count(*) from `warehouse.dim_jobs`") == [(0,)]
    assert ask("select table_name from `warehouse.loads`") == [("departments",)]
    assert execute("select table_name from loads where synced_at is null") == [("jobs",)]
    assert sync.run().rows == 1


class Repeating(HookedWarehouse):
    """A warehouse whose load jobs load the same key for all rows."""

    def load_avro(self, uri, name, job_id):
        """Load, and change the keys."""
        super().load_avro(uri, name, job_id)
        self.query(f"update {self.names.table(name)} set id = 1 where true")


def test_rows_whose_keys_are_not_those_exported_are_not_merged(
    drop, engine, warehouse, storage_client, staging, ask, not_synced
):
    drop("jobs", "1,Welder\n2,Tester\n")
    repeating = Repeating(warehouse.client, warehouse.names, 30)

    with pytest.raises(WarehouseDiffers, match="2 rows with 1 keys"):
        Sync(engine, repeating, ObjectStore(storage_client), staging).run()

    assert ask("select count(*) from `warehouse.dim_jobs`") == [(0,)]
    assert not_synced() == 1


def test_staging_tables_of_a_killed_sync_are_deleted_first(drop, sync, warehouse, storage_client):
    warehouse.create_staging("staging_dim_jobs_0", [Column("id", "INT64", "")])
    drop("jobs", "1,Welder\n")

    sync.run()

    dataset = f"{warehouse.names.project}.{warehouse.names.warehouse}"
    there = [table.table_id for table in warehouse.client.list_tables(dataset)]
    assert not [name for name in there if name.startswith("staging_")]


def test_a_sync_that_exceeds_its_time_budget_asks_for_a_retry(drop, sync, not_synced):
    drop("jobs", "1,Welder\n")

    with pytest.raises(WarehouseUnavailable, match="try again"):
        sync.run(budget_seconds=-1)

    assert not_synced() == 1


def test_a_load_that_is_committed_during_a_sweep_is_synced_by_it(
    drop, sync_after, ask, differences
):
    drop("departments", "1,Sales\n")
    # The sweep takes the lock once to sync, and once to look for changed rejects.
    arriving = iter(["", "1,Welder\n2,Tester\n"])

    def meanwhile(call):
        if call == "drop_staging" and (text := next(arriving, "")):
            drop("jobs", text)

    done = sync_after(meanwhile).sweep()

    assert (done.loads, done.rows, done.running_elsewhere) == (2, 3, False)
    assert differences() == []
    # Something was pending when the sweep looked.
    assert ask("select distinct checked_at from `warehouse.sync_state`") == [(None,)]


def test_a_sweep_that_exceeds_its_time_budget_asks_for_a_retry(drop, sync_after, not_synced):
    arriving = iter(["1,Welder\n"])

    def meanwhile(call):
        if call == "drop_staging":
            for text in arriving:
                drop("jobs", text)

    with pytest.raises(WarehouseUnavailable, match="try again"):
        sync_after(meanwhile).sweep(budget_seconds=0)

    assert not_synced() == 1
