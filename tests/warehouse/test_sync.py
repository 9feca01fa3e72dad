"""A sync makes the warehouse equal to PostgreSQL, load by load."""

import json
import time
from datetime import UTC, date, datetime

import pytest

from shared.errors import WarehouseUnavailable
from shared.storage import ObjectStore
from shared.warehouse import pending
from shared.warehouse.sync import Sync
from tests.warehouse.conftest import NOON

DEPARTMENTS = "1,Sales\n2,Legal\n"
JOBS = "1,Welder\n2,Tester\n"
HIRES = "1,Ana,2021-02-03T04:05:06.000001Z,1,1\n2,Bo,2021-12-31T23:59:59-05:00,2,2\n"


@pytest.fixture
def hired(drop):
    """Two departments, two jobs, two hires."""
    drop("departments", DEPARTMENTS)
    drop("jobs", JOBS)
    drop("hired_employees", HIRES)


def test_rows_are_synced_with_all_their_columns(hired, sync, differences, ask, not_synced, capsys):
    done = sync.run()

    assert (done.loads, done.rows, done.running_elsewhere) == (3, 6, False)
    assert not_synced() == 0
    assert differences() == []
    assert ask("select id, hired_at, hired_on from `warehouse.fact_hires` order by id") == [
        (1, datetime(2021, 2, 3, 4, 5, 6, 1, tzinfo=UTC), date(2021, 2, 3)),
        (2, datetime(2022, 1, 1, 4, 59, 59, tzinfo=UTC), date(2022, 1, 1)),
    ]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if line["message"] == "The warehouse was synced"]
    assert (line["severity"], line["loads"], line["rows"]) == ("INFO", 3, 6)
    assert line["tables"] == ["dim_departments", "dim_jobs", "fact_hires"]


def test_text_is_synced_unchanged(drop, sync, differences):
    drop("departments", '1,"a\ttab, a ""quote""\nand a line"\n2,back\\slash \\N \\t\n3,ﬁn 🎉 é\n')

    sync.run()

    assert differences() == []


def test_a_second_sync_has_nothing_to_do(hired, sync, ask):
    sync.run()
    state = ask("select * from `warehouse.sync_state`")

    assert sync.run().loads == 0
    assert ask("select * from `warehouse.sync_state`") == state


def test_the_same_loads_synced_again_change_nothing(hired, sync, execute, differences):
    sync.run()
    execute("update loads set synced_at = null")

    assert sync.run().loads == 3
    assert differences() == []


def test_an_update_replaces_the_row_and_moves_the_hire_to_its_new_month(
    hired, drop, sync, differences, ask
):
    sync.run()
    drop("hired_employees", "1,Ana María,2020-06-01T00:00:00Z,2,1\n", minute=1)

    assert sync.run().rows == 1
    assert differences() == []
    assert ask("select count(*) from `warehouse.fact_hires`") == [(2,)]


def test_an_old_version_never_replaces_a_newer_one(hired, sync, warehouse, ask, execute):
    warehouse.query(
        f"insert into {warehouse.names.table('dim_jobs')} (id, job, accepted_at, load_id)"
        " values (1, 'From a later sync', timestamp '2030-01-01 00:00:00+00', 'x')"
    )

    sync.run()

    assert ask("select id, job from `warehouse.dim_jobs` order by id") == [
        (1, "From a later sync"),
        (2, "Tester"),
    ]


def test_rows_that_waited_for_a_parent_are_synced_when_they_are_released(
    drop, sync, differences, ask, not_synced
):
    drop("hired_employees", HIRES)
    assert sync.run().rows == 0
    assert not_synced() == 0

    drop("departments", DEPARTMENTS)
    drop("jobs", JOBS)

    sync.run()
    assert differences() == []
    assert ask("select count(*) from `warehouse.fact_hires`") == [(2,)]


def test_rows_released_during_a_sync_are_not_lost(drop, sync_after, differences, not_synced):
    drop("hired_employees", HIRES)
    drop("departments", DEPARTMENTS)
    drops = iter([JOBS])

    def meanwhile(call):
        if call == "create_staging":
            for text in drops:
                drop("jobs", text)

    sync_after(meanwhile).run()

    assert (differences(), not_synced()) == ([], 0)


def test_a_snapshot_sees_the_ledger_at_one_moment(drop, sync):
    # A hire could otherwise be exported without its department, which was committed in between.
    drop("departments", DEPARTMENTS)
    with sync.snapshot() as connection:
        before = pending.read(connection)
        drop("jobs", JOBS)

        assert pending.read(connection) == before
    with sync.snapshot() as connection:
        assert len(pending.read(connection)) == 2


def test_of_loads_accepted_at_the_same_moment_the_same_one_counts_in_both_databases(
    drop, sync, differences
):
    # The ids of the loads decide: the second one replaces the first, and the third one does not.
    for number in (1, 2, 3):
        drop("jobs", f"1,Job {number}\n")
        sync.run()

        assert differences() == []


def test_a_sync_waits_for_more_loads_only_if_some_are_pending(
    drop, engine, warehouse, storage_client, staging, monkeypatch
):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    patient = Sync(engine, warehouse, ObjectStore(storage_client), staging, gather_seconds=1234)
    drop("jobs", "1,Welder\n")
    with patient.alone() as held:
        rounds = patient.rounds(held, time.monotonic() + 60)

        assert next(rounds).loads == 1
        # The first round never waits, and nothing is left after it.
        assert 1234 not in waited
        for number in (2, 3):
            drop("jobs", f"{number},Tester\n")
        assert next(rounds).loads == 2
        assert waited.count(1234) == 1
        assert next(rounds, None) is None
        assert waited.count(1234) == 1


def test_a_sync_that_took_too_long_succeeds_if_nothing_is_left(
    drop, engine, warehouse, storage_client, staging
):
    late = Sync(engine, warehouse, ObjectStore(storage_client), staging)
    drop("jobs", "1,Welder\n")
    with late.alone() as held:
        rounds = late.rounds(held, time.monotonic() + 0.05)
        assert next(rounds).loads == 1
        time.sleep(0.1)
        assert next(rounds, None) is None

        drop("jobs", "2,Tester\n")
        with pytest.raises(WarehouseUnavailable, match="remaining loads"):
            next(late.rounds(held, time.monotonic()))


def test_failed_loads_and_loads_without_changes_are_only_marked(
    hired, drop, sync, execute, ask, not_synced
):
    sync.run()
    state = ask("select * from `warehouse.sync_state` order by table_name")
    drop("jobs", "1,Older than what is there\n", minute=-1)
    execute(
        "insert into loads (load_id, source, kind, table_name, state, accepted_at, finished_at)"
        " values (gen_random_uuid(), 'x', 'file', null, 'failed', now(), now())"
    )

    done = sync.run()

    assert (done.loads, done.rows, not_synced()) == (2, 0, 0)
    assert ask("select * from `warehouse.sync_state` order by table_name") == state


def test_an_unchanged_row_gets_its_new_accepted_at_in_both_databases(
    hired, drop, sync, differences
):
    # BigQuery once kept the old one, and every reconcile reported a difference.
    sync.run()
    drop("jobs", "1,Welder\n9,Baker\n", minute=5)

    sync.run()

    assert differences() == []


def test_a_running_load_is_not_synced(sync, execute, not_synced):
    execute(
        "insert into loads (load_id, source, kind, table_name, state, accepted_at)"
        " values (gen_random_uuid(), 'x', 'batch', 'jobs', 'loading', now())"
    )

    assert sync.run().loads == 0
    assert not_synced() == 1


def test_a_restore_is_synced_with_its_deletions_and_updates(
    hired, drop, sync, execute, restored, differences, ask
):
    drop("hired_employees", "3,Cy,2021-05-05T00:00:00Z,1,1\n1,Ann,2021-01-01T00:00:00Z,1,1\n", 1)
    sync.run()

    execute("delete from hired_employees where id in (2, 3)")
    execute("update hired_employees set name = 'Ana', accepted_at = :noon where id = 1", noon=NOON)
    restored("hired_employees")
    sync.run()

    assert differences() == []
    assert ask("select id, name from `warehouse.fact_hires`") == [(1, "Ana")]


def test_a_table_restored_to_nothing_is_empty(drop, sync, execute, restored, ask):
    drop("jobs", JOBS)
    sync.run()

    execute("delete from jobs")
    restored("jobs")
    sync.run()

    assert ask("select count(*) from `warehouse.dim_jobs`") == [(0,)]


def test_many_small_loads_are_synced_as_one(drop, sync, differences, ask):
    for number in range(1, 41):
        drop("jobs", f"{number},Job {number}\n", minute=number)

    done = sync.run()

    assert (done.loads, done.rows) == (40, 40)
    assert differences() == []
    changes = ask("select count(distinct changed_at) from `warehouse.sync_state`")
    assert changes == [(1,)]


def test_the_warehouse_records_the_newest_load_that_it_includes(hired, sync, execute, ask):
    sync.run()

    finished = execute("select table_name, finished_at from loads order by 1")
    assert ask("select table_name, as_of from `warehouse.sync_state` order by 1") == finished


def test_a_sync_leaves_no_temporary_tables_or_objects(
    hired, sync, warehouse, storage_client, staging
):
    dataset = f"{warehouse.names.project}.{warehouse.names.warehouse}"

    def there():
        tables = {table.table_id for table in warehouse.client.list_tables(dataset)}
        return tables | {blob.name for blob in storage_client.list_blobs(staging)}

    before = there()
    sync.run()

    assert there() == before


def test_a_large_load_takes_as_many_calls_as_a_small_one(drop, execute, sync, sync_after, ask):
    drop("departments", DEPARTMENTS)
    drop("jobs", JOBS)
    sync.run()

    def calls():
        made = []
        assert sync_after(made.append).run().loads == 1
        return made

    drop("hired_employees", "1,Ana,2021-02-03T04:05:06Z,1,1\n")
    of_one_row = calls()
    entry = drop("hired_employees", "2,Bo,2021-02-03T04:05:06Z,1,1\n")
    execute(
        "insert into hired_employees select i, 'Name ' || i, timestamptz '2021-01-01 00:00+00'"
        " + i * interval '1 minute', 1 + mod(i, 2), 1 + mod(i, 2), now(), cast(:load_id as uuid)"
        " from generate_series(3, 50000) i",
        load_id=str(entry.load_id),
    )

    assert calls() == of_one_row
    assert ask("select count(*) from `warehouse.fact_hires`") == [(50_000,)]
