"""The state of each table in the warehouse, and how far it is behind PostgreSQL."""

from datetime import timedelta

import msgspec

from shared.warehouse import state
from shared.warehouse.freshness import Freshness, freshness
from tests.warehouse.conftest import NOON

LATER = NOON + timedelta(microseconds=1)


def test_a_table_never_loses_a_load_that_it_included(warehouse):
    # A delayed sync may record what it has read long ago.
    for moment in (NOON, LATER, NOON):
        state.record(warehouse, {"jobs": moment})
    state.record(warehouse, {"departments": NOON})

    assert {name: one.as_of for name, one in state.read(warehouse).items()} == {
        "jobs": LATER,
        "departments": NOON,
    }


def test_a_version_changes_with_the_tables_that_it_is_of(warehouse):
    versions = [state.version(warehouse, ["jobs", "departments"])]
    for name in ("jobs", "departments"):
        state.record(warehouse, {name: NOON})
        versions.append(state.version(warehouse, ["jobs", "departments"]))
    state.record(warehouse, {"hired_employees": NOON})
    state.record_checked(warehouse)

    assert len(set(versions)) == 3
    assert state.version(warehouse, ["jobs", "departments"]) == versions[-1]


def test_the_lag_is_that_of_the_oldest_pending_load(engine, warehouse, execute):
    state.record(warehouse, {"jobs": NOON, "departments": LATER})
    for table, load_state, synced, seconds in (
        ("jobs", "done", "null", 100),
        ("jobs", "failed", "null", 200),
        ("jobs", "loading", "null", 300),
        ("jobs", "done", "now()", 400),
        # The clock of a server that was replaced may have been fast.
        ("departments", "done", "null", -100),
    ):
        execute(
            "insert into loads (load_id, source, kind, table_name, state, accepted_at,"
            " finished_at, synced_at) values (gen_random_uuid(), gen_random_uuid()::text, 'file',"
            " :table, :state, now(), clock_timestamp() - :seconds * interval '1 second',"
            f" {synced})",
            table=table,
            state=load_state,
            seconds=seconds,
        )

    found = freshness(engine, warehouse)

    departments, jobs, hires = found.tables
    (oldest,) = execute("select finished_at from loads where state = 'failed'")[0]
    assert (found.unsynced, jobs.unsynced, departments.unsynced, hires.unsynced) == (3, 2, 1, 0)
    assert found.oldest_unsynced == jobs.oldest_unsynced == oldest
    assert 200 <= found.lag_seconds == jobs.lag_seconds < 260
    assert departments.lag_seconds == hires.lag_seconds == 0
    assert (found.bigquery, found.newest_synced) == (True, LATER)
    assert (jobs.as_of, departments.as_of, hires.as_of) == (NOON, LATER, None)
    # It fits the type from which the API is documented.
    assert msgspec.json.decode(msgspec.json.encode(found), type=Freshness) == found
