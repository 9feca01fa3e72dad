"""A restore returns a table to its backup and reports its changes; a failed one changes nothing."""

import io
from datetime import UTC, date, datetime

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import tables
from shared.avro import sent_rows
from shared.backups import foreign_keys
from shared.backups.errors import Orphans, UnusableBackup
from shared.database.engine import transaction
from shared.tables import Integer, Reference, Row, Table, Text
from tests.backups.rows import LOAD_ID, NOON, file, hires
from tests.support.toy_kinds import Day, Flag

DEPARTMENTS, JOBS, HIRES = tables.all_tables().values()


def counts(restored):
    return {kind: change.count for kind, change in restored.changes.items() if change.count}


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
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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
    """100 hires that are backed up; then 30 are deleted, 20 changed and 10 added."""
    database.fill(HIRES, hires(100))
    before = database.rows(HIRES)
    backups.back_up([HIRES], "")
    database.ask("delete from hired_employees where id <= 30")
    database.ask("update hired_employees set name = 'Nobody' where id between 31 and 50")
    database.fill(HIRES, hires(10, 1001))
    return before


def test_replace_makes_the_table_equal_to_the_backup(changed, database, restored):
    done = restored(HIRES, sender="ann")

    assert database.rows(HIRES) == changed
    assert counts(done) == {"inserted": 30, "updated": 20, "deleted": 10, "unchanged": 50}
    first = {kind: change.examples[0]["id"] for kind, change in done.changes.items()}
    assert first == {"inserted": 1, "updated": 31, "deleted": 1001, "unchanged": 51}
    assert all(len(change.examples) == 10 for change in done.changes.values())
    (entry,) = database.ask(
        "select load_id, kind, sender, table_name, state, rows_read, inserted, updated, unchanged,"
        " superseded, finished_at is not null, synced_at from loads"
    )
    assert entry == (
        *(done.load_id, "restore", "ann", "hired_employees", "done"),
        *(100, 30, 20, 50, 10, True, None),
    )


def test_replaced_rows_are_recorded(changed, database, restored):
    done = restored(HIRES)

    recorded = database.ask(
        "select key ->> 'id', row ->> 'name', load_id, replaced_by from replaced_rows"
    )
    assert len(recorded) == 30
    assert {row[2:] for row in recorded} == {(LOAD_ID, done.load_id)}
    assert ("31", "Nobody", LOAD_ID, done.load_id) in recorded


def test_merge_deletes_nothing(changed, database, restored):
    done = restored(HIRES, mode="merge")

    assert counts(done) == {"inserted": 30, "updated": 20, "unchanged": 50}
    assert len(database.rows(HIRES)) == 110
    assert set(changed) < set(database.rows(HIRES))


def test_a_dry_run_reports_the_same_changes_and_makes_none(changed, database, restored):
    before = database.rows(HIRES)

    preview = restored(HIRES, dry_run=True)

    assert database.rows(HIRES) == before
    assert database.ask("select count(*) from loads") == [(0,)]
    assert preview.load_id is None
    assert restored(HIRES).changes == preview.changes


def test_a_second_restore_changes_nothing(changed, database, restored):
    restored(HIRES)

    assert counts(restored(HIRES)) == {"unchanged": 100}
    assert database.rows(HIRES) == changed


def test_a_restored_row_has_its_original_load_and_acceptance_time(database, backups, restored):
    database.fill(JOBS, [(1, "Welder")])
    before = database.rows(JOBS)
    backups.back_up([JOBS], "")
    database.ask("update jobs set accepted_at = now(), load_id = gen_random_uuid()")
    meanwhile = database.rows(JOBS)

    assert counts(restored(JOBS, mode="merge")) == {"unchanged": 1}
    assert database.rows(JOBS) == meanwhile

    assert counts(restored(JOBS)) == {"unchanged": 1}
    assert database.rows(JOBS) == before
    assert database.ask("select count(*) from replaced_rows") == [(0,)]


def test_a_restore_that_would_orphan_rows_is_refused(database, parents, backups, restored):
    backups.back_up([JOBS], "")
    database.fill(JOBS, [(4, "Late"), (5, "Later")])
    rows = [(i, "Ana", NOON, 1, 4 + i % 2) for i in range(1, 26)]
    database.fill(HIRES, [*rows, (100, "Bo", NOON, 1, 1)])
    before = database.rows(JOBS)

    for dry_run in (True, False):
        with pytest.raises(Orphans, match="25 rows of hired_employees") as caught:
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
    database.fill(HIRES, hires(30))
    backups.back_up([HIRES], "")
    database.ask("truncate hired_employees, jobs")
    database.fill(JOBS, [(2, "Job 2")])

    with pytest.raises(Orphans, match="restore jobs first") as caught:
        restored(HIRES)

    (broken,) = caught.value.found
    assert (broken["table"], broken["field"], broken["count"]) == ("hired_employees", "job_id", 20)
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

    assert counts(restored(JOBS)) == {"deleted": 396, "unchanged": 3}

    assert set(dropped) == {"hired_employees_job_id_fkey"}
    keys = "select conname from pg_constraint where conrelid = 'hired_employees'::regclass"
    assert ("hired_employees_job_id_fkey",) in database.ask(keys)


@pytest.fixture
def create_table(engine):
    """Create tables outside the dictionary; they are dropped after the test."""
    names = []

    def act(name, columns):
        with transaction(engine) as connection:
            connection.exec_driver_sql(
                f"create table {name} ({columns}, accepted_at timestamptz not null,"
                " load_id uuid not null)"
            )
        names.append(name)

    yield act
    with transaction(engine) as connection:
        for name in reversed(names):
            connection.exec_driver_sql(f"drop table {name}")


class Office(Row):
    """A place people work at."""

    id = Integer()
    city = Text()


class LargerOffice(Office):
    """A later version of the table."""

    floors = Integer(load_default=7)
    country = Text(load_default="Nowhere")


def test_an_old_backup_fills_new_fields_with_their_defaults(
    create_table, database, backups, restored
):
    create_table("offices", "id bigint primary key, city text not null")
    database.fill(Table("offices", Office), [(i, f"City {i}") for i in range(1, 4000)])
    backups.back_up([Table("offices", Office)], "")
    database.ask(
        "alter table offices drop accepted_at, drop load_id, add floors bigint not null default 1,"
        " add country text not null default 'x',"
        " add accepted_at timestamptz not null default now(),"
        " add load_id uuid not null default gen_random_uuid()"
    )

    done = restored(Table("offices", LargerOffice))

    assert counts(done) == {"updated": 3999}
    assert database.ask("select distinct floors, country, load_id from offices") == [
        (7, "Nowhere", LOAD_ID)
    ]


class NewOffice(Office):
    """A version with a new field that has no default."""

    rent = Integer()


def test_an_old_backup_without_a_required_field_is_refused(
    create_table, database, backups, restored
):
    create_table("offices", "id bigint primary key, city text not null")
    backups.back_up([Table("offices", Office)], "")

    with pytest.raises(UnusableBackup, match="it lacks rent") as caught:
        restored(Table("offices", NewOffice))

    assert caught.value.code == "wrong_schema"


class Room(Row):
    """A room, perhaps with a window."""

    id = Integer()
    name = Text()
    window = Flag()


def test_a_kind_without_a_bulk_path_is_restored_row_by_row(
    create_table, database, backups, restored, monkeypatch
):
    monkeypatch.setattr(sent_rows, "_LINES", 100)
    rooms = Table("rooms", Room)
    create_table("rooms", '"id" bigint primary key, name text not null, "window" boolean not null')
    database.fill(rooms, [(i, f"Röom\t{i}", i % 3 == 0) for i in range(1, 1000)])
    before = database.rows(rooms)
    (manifest,) = backups.back_up([rooms], "")
    database.ask("delete from rooms where id < 500")
    database.ask('update rooms set "window" = not "window" where id = 700')

    assert counts(restored(rooms)) == {"inserted": 499, "updated": 1, "unchanged": 499}
    assert database.rows(rooms) == before
    assert backups.verify(manifest).is_verified


class Hall(Row):
    """A hall, with a day that has no quick part at all."""

    id = Integer()
    window = Flag()
    built = Day()


def test_a_file_made_elsewhere_may_hold_kinds_that_the_bulk_paths_do_not_cover(
    create_table, database, upload, restored
):
    halls = Table("halls", Hall)
    create_table("halls", 'id bigint primary key, "window" boolean not null, built date not null')
    day = date(2021, 7, 27)
    fields = {
        "id": "long",
        "window": ["null", "boolean"],
        "built": {"type": "int", "logicalType": "date"},
    }

    restored(halls, upload(file(fields, [(1, True, day), (2, False, date.min)])))
    with pytest.raises(UnusableBackup, match="1 rows") as caught:
        restored(halls, upload(file(fields, [(1, True, day), (3, None, day)])))
    with pytest.raises(UnusableBackup, match="another type for window"):
        restored(halls, upload(file({**fields, "window": "string"}, [])))

    assert caught.value.facts["examples"][0]["key"] == {"id": 3}
    assert database.ask('select id, "window", built from halls order by id') == [
        (1, True, day),
        (2, False, date.min),
    ]


class Round(Row):
    """A round of a contest, with columns named like identifiers in our own queries."""

    first = Integer()
    source = Text()
    ranges = Text()
    rows = Integer()


def test_columns_may_be_named_like_identifiers_in_our_queries(
    create_table, database, backups, restored
):
    rounds = Table("pages", Round, key=("first",))
    create_table(
        "pages", "first bigint primary key, source text not null, ranges text not null, rows bigint"
    )
    database.fill(rounds, [(i, f"a{i}", "b", -i) for i in range(1, 2000)])
    before = database.rows(rounds)
    backups.back_up([rounds], "")
    database.ask("truncate pages")

    assert counts(restored(rounds)) == {"inserted": 1999}
    assert database.rows(rounds) == before


class Person(Row):
    """A person with a superior."""

    id = Integer()
    superior = Integer()


def test_a_self_referencing_table_is_restored(create_table, database, backups, restored):
    people = Table("people", Person, references=(Reference("superior", "people"),))
    create_table(
        "people",
        "id bigint primary key, superior bigint not null"
        " constraint people_superior_fkey references people",
    )
    database.fill(people, [(1, 1), (2, 1), (3, 2)])
    before = database.rows(people)
    backups.back_up([people], "")
    database.ask("truncate people")
    database.fill(people, [(4, 4), (1, 4), (5, 1)])

    assert counts(restored(people)) == {"inserted": 2, "updated": 1, "deleted": 2}
    assert database.rows(people) == before


def test_a_composite_key_is_compared_whole(create_table, database, backups, restored):
    pairs = Table("pairs", Person, key=("id", "superior"))
    create_table("pairs", "id bigint, superior bigint, primary key (id, superior)")
    database.fill(pairs, [(1, 1), (1, 2), (2, 1)])
    backups.back_up([pairs], "")
    database.ask("delete from pairs where id = 1 and superior = 2")
    database.fill(pairs, [(2, 2)])

    done = restored(pairs)

    assert counts(done) == {"inserted": 1, "deleted": 1, "unchanged": 2}
    assert done.changes["inserted"].examples == [{"id": 1, "superior": 2}]
