"""A restore returns a table to its backup and reports its changes; a failed one changes nothing."""

import io
import json
from collections import Counter
from datetime import UTC, datetime

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import tables
from shared.backups import foreign_keys
from shared.backups.errors import Orphans
from tests.backups.rows import LOAD_ID, NOON, counts, hires

DEPARTMENTS, JOBS, HIRES = tables.all_tables().values()


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=1000)
TIMESTAMPS = st.datetimes(timezones=st.just(UTC))
STORED = st.tuples(
    st.integers(1, 2**63 - 1),
    st.one_of(TEXTS, st.sampled_from(["\\N", "\t\n\r\\", "😀" * 1000, "'--", '"'])),
    st.one_of(TIMESTAMPS, st.sampled_from([datetime.max.replace(tzinfo=UTC)])),
    st.just(1),
    st.just(1),
    TIMESTAMPS,
    st.uuids(),
)


@given(found=st.lists(STORED, max_size=40, unique_by=lambda row: row[0]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_survive_backup_and_restore(found, database, backups, restored, content):
    database.ask("truncate departments, jobs, hired_employees")
    for parent in (DEPARTMENTS, JOBS):
        database.fill(parent, [(1, "One")])
    database.fill(HIRES, found)
    before = database.rows(HIRES)
    (manifest,) = backups.back_up([HIRES], "")
    database.ask("truncate hired_employees")

    done = restored(HIRES)

    assert database.rows(HIRES) == before
    assert counts(done) == ({"inserted": len(found)} if found else {})
    reader = fastavro.reader(io.BytesIO(content(manifest.object)))
    theirs = [tuple(row.values()) for row in reader]
    assert sorted(theirs) == sorted((*row[:-1], str(row[-1])) for row in found)
    backups.catalog.delete(manifest)


def test_a_large_table_survives_backup_and_restore(database, parents, backups, restored):
    database.fill(HIRES, hires(60_000))
    before = database.rows(HIRES)
    (manifest,) = backups.back_up([HIRES], "")
    database.ask("truncate hired_employees")

    done = restored(HIRES)

    assert counts(done) == {"inserted": 60_000}
    assert database.rows(HIRES) == before
    (again,) = backups.back_up([HIRES], "")
    assert again.checksum == manifest.checksum
    keys = (
        "select conname, convalidated from pg_constraint"
        " where contype = 'f' and conrelid = 'hired_employees'::regclass order by 1"
    )
    assert database.ask(keys) == [
        ("hired_employees_department_id_fkey", True),
        ("hired_employees_job_id_fkey", True),
    ]


@pytest.fixture
def changed(database, parents, backups):
    """100 hires that are backed up, the last first; then 30 are deleted, 20 changed, 11 added."""
    database.fill(HIRES, hires(100)[::-1])
    before = database.rows(HIRES)
    backups.back_up([HIRES], "")
    database.ask("delete from hired_employees where id <= 30")
    database.ask("update hired_employees set name = 'Nobody' where id between 31 and 50")
    database.fill(HIRES, hires(11, 1001)[::-1])
    return before


def test_replace_makes_the_table_equal_to_the_backup(changed, database, restored):
    done = restored(HIRES, sender="ann")

    assert database.rows(HIRES) == changed
    assert counts(done) == {"inserted": 30, "updated": 20, "deleted": 11, "unchanged": 50}
    for kind, first in (("inserted", 1), ("updated", 31), ("deleted", 1001), ("unchanged", 51)):
        keys = [example["id"] for example in done.changes[kind].examples]
        assert keys == list(range(first, first + 10))
    (entry,) = database.ask(
        "select load_id, kind, sender, table_name, state, rows_read, inserted, updated, unchanged,"
        " superseded, deleted, finished_at is not null, synced_at from loads"
    )
    assert entry == (
        *(done.load_id, "restore", "ann", "hired_employees", "done"),
        *(100, 30, 20, 50, 0, 11, True, None),
    )


def test_what_a_restore_replaces_and_deletes_is_kept(changed, database, restored):
    done = restored(HIRES)

    recorded = database.ask(
        "select key ->> 'id', row ->> 'name', reason, load_id, replaced_by from row_versions"
    )
    assert Counter(row[2] for row in recorded) == {"replaced": 20, "deleted": 11}
    assert {row[3:] for row in recorded} == {(LOAD_ID, done.load_id)}
    assert ("31", "Nobody", "replaced", LOAD_ID, done.load_id) in recorded


def test_merge_deletes_nothing(changed, database, restored):
    done = restored(HIRES, mode="merge")

    assert counts(done) == {"inserted": 30, "updated": 20, "unchanged": 50}
    assert len(database.rows(HIRES)) == 111
    assert set(changed) < set(database.rows(HIRES))


def test_a_dry_run_reports_the_same_changes_and_makes_none(changed, database, restored, capfd):
    before = database.rows(HIRES)

    preview = restored(HIRES, dry_run=True)

    assert database.rows(HIRES) == before
    assert database.ask("select count(*) from loads") == [(0,)]
    assert preview.load_id is None
    done = restored(HIRES)
    assert done.changes == preview.changes
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    tried, made = [line for line in lines if "restore" in line["message"]]
    assert (tried["message"], made["message"]) == ("A restore was tried", "A table was restored")
    assert (tried["table"], made["load_id"]) == ("hired_employees", str(done.load_id))
    counted = {"inserted": 30, "updated": 20, "deleted": 11, "unchanged": 50}
    assert tried["counts"] == made["counts"] == counted


def test_a_second_restore_changes_nothing(changed, database, restored):
    restored(HIRES)

    assert counts(restored(HIRES)) == {"unchanged": 100}
    assert database.rows(HIRES) == changed


def test_inserted_rows_lie_in_the_order_of_their_keys(database, parents, backups, restored):
    """So neighbours share a page, however the backed up table was filled."""
    database.fill(HIRES, hires(200)[::-1])
    backups.back_up([HIRES], "")
    database.ask("truncate hired_employees")

    restored(HIRES)

    places = database.ask("select id from hired_employees order by ctid")
    assert places == [(i,) for i in range(1, 201)]


def test_a_restored_row_has_its_original_load_and_acceptance_time(database, backups, restored):
    database.fill(JOBS, [(1, "Welder")])
    before = database.rows(JOBS)
    backups.back_up([JOBS], "")
    database.ask("update jobs set accepted_at = now(), load_id = gen_random_uuid()")
    meanwhile = database.rows(JOBS)
    own = database.ask("select accepted_at, load_id from jobs")

    assert counts(restored(JOBS, mode="merge")) == {"unchanged": 1}
    assert database.rows(JOBS) == meanwhile

    done = restored(JOBS)
    assert counts(done) == {"unchanged": 1}
    assert database.rows(JOBS) == before
    assert database.ask("select row, reason, replaced_by from row_versions") == [
        (None, "confirmed", done.load_id)
    ]
    assert database.ask("select accepted_at, load_id from row_versions") == own


def test_a_restore_that_would_orphan_rows_is_refused(database, parents, backups, restored):
    backups.back_up([JOBS], "")
    database.fill(JOBS, [(4, "Late"), (5, "Later")])
    rows = [(i, "Ana", NOON, 1, 4 + i % 2) for i in range(25, 0, -1)]
    database.fill(HIRES, [*rows, (100, "Bo", NOON, 1, 1)])
    before = database.rows(JOBS)

    for dry_run in (True, False):
        with pytest.raises(Orphans, match=r"^25 rows of hired_employees would lack") as caught:
            restored(JOBS, dry_run=dry_run)

        (broken,) = caught.value.found
        assert broken["count"] == 25
        assert [key["id"] for key in broken["examples"]] == list(range(1, 11))
        assert (broken["table"], broken["field"], broken["parent"]) == (
            *("hired_employees", "job_id"),
            "jobs",
        )

    assert database.rows(JOBS) == before
    assert database.ask("select count(*) from loads") == [(0,)]
    assert counts(restored(JOBS, mode="merge")) == {"unchanged": 3}


def test_rows_whose_parents_are_gone_are_not_restored(database, parents, backups, restored):
    database.fill(HIRES, hires(30)[::-1])
    backups.back_up([HIRES], "")
    database.ask("truncate hired_employees, jobs")
    database.fill(JOBS, [(2, "Job 2")])

    with pytest.raises(Orphans, match="restore jobs first") as caught:
        restored(HIRES)

    (broken,) = caught.value.found
    assert (broken["table"], broken["field"], broken["count"]) == ("hired_employees", "job_id", 20)
    without_job = [hire[0] for hire in hires(30) if hire[4] != 2]
    assert [key["id"] for key in broken["examples"]] == without_job[:10]
    assert database.rows(HIRES) == []


def test_many_parents_are_deleted_without_checking_children_one_by_one(
    database, parents, backups, restored, monkeypatch
):
    database.fill(HIRES, hires(100))
    backups.back_up([JOBS], "")
    database.fill(JOBS, [(i, f"Job {i}") for i in range(4, 400)])
    dropped = []
    drop = foreign_keys.drop_key_sql
    monkeypatch.setattr(
        foreign_keys, "drop_key_sql", lambda key: dropped.append(key["name"]) or drop(key)
    )

    assert counts(restored(JOBS, confirmed=396)) == {"deleted": 396, "unchanged": 3}

    assert set(dropped) == {"hired_employees_job_id_fkey"}
    keys = "select conname from pg_constraint where conrelid = 'hired_employees'::regclass"
    assert ("hired_employees_job_id_fkey",) in database.ask(keys)
