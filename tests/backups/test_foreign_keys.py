"""Foreign keys give way to many changes, and are back, and checked, at the commit."""

import time
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from shared import tables
from shared.backups.foreign_keys import without_foreign_keys
from shared.database.engine import transaction
from shared.tables import Integer, Reference, Row, Table

JOBS, HIRES = tables.find("jobs"), tables.find("hired_employees")
KEYS = "select conname, pg_get_constraintdef(oid), convalidated from pg_constraint"
WAITING = (
    "select pid from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)
NONE = {"inserted": 0, "updated": 0, "deleted": 0, "unchanged": 10**6}
OF_HIRES = {"hired_employees_department_id_fkey", "hired_employees_job_id_fkey"}


def keys(connection: sa.Connection) -> set[tuple[str, str, bool]]:
    """Every constraint of the database."""
    return {tuple(row) for row in connection.exec_driver_sql(KEYS)}


def test_only_the_keys_that_many_changes_would_check_are_dropped(engine):
    for table, changes, dropped in (
        (HIRES, {"inserted": 60_000}, OF_HIRES),
        (HIRES, {"updated": 60_000}, OF_HIRES),
        (HIRES, {"inserted": 30_000, "updated": 30_000}, OF_HIRES),
        (HIRES, {"inserted": 10, "updated": 10, "deleted": 60_000}, set()),
        (JOBS, {"deleted": 1000}, {"hired_employees_job_id_fkey"}),
        (JOBS, {"inserted": 60_000, "updated": 60_000, "deleted": 10}, set()),
    ):
        with transaction(engine) as connection:
            before = keys(connection)
            with without_foreign_keys(connection, table, {**NONE, **changes}):
                during = keys(connection)
            after = keys(connection)

        assert {name for name, *_ in before - during} == dropped, changes
        assert during <= before
        assert after == before


def test_a_restore_waits_for_a_loads_parents_before_it_locks_the_table(engine):
    """Otherwise the two would wait for each other."""

    def restore():
        with (
            transaction(engine, lock_timeout_seconds=20) as connection,
            without_foreign_keys(connection, HIRES, {**NONE, "inserted": 60_000}),
        ):
            pass

    with ThreadPoolExecutor(1) as pool:
        with transaction(engine, lock_timeout_seconds=1) as load:
            load.exec_driver_sql("lock table departments in row share mode")
            restoring = pool.submit(restore)
            while not load.exec_driver_sql(WAITING).first():
                assert not restoring.done()
                load.exec_driver_sql("select pg_stat_clear_snapshot()")
                time.sleep(0.01)

            load.exec_driver_sql("lock table hired_employees in row exclusive mode")

        restoring.result()


class Floor(Row):
    """A floor of an office."""

    id = Integer(minimum=1)
    parent = Integer(minimum=1)


def test_a_table_its_parents_and_its_children_are_locked(engine, monkeypatch):
    offices = Table("offices", Floor)
    floors = Table("floors", Floor, references=(Reference("parent", "offices"),))
    desks = Table("desks", Floor, references=(Reference("parent", "floors"),))
    found = tables.in_order({one.name: one for one in (offices, floors, desks, JOBS)})
    monkeypatch.setattr(tables, "all_tables", lambda: found)
    locks = (
        "select relation::regclass::text from pg_locks"
        " where mode = 'AccessExclusiveLock' and relation::regclass::text in"
        " ('offices', 'floors', 'desks', 'jobs')"
    )
    with transaction(engine) as connection:
        for name, parent in (("offices", "jobs"), ("floors", "offices"), ("desks", "floors")):
            connection.exec_driver_sql(
                f"create table {name} (id bigint primary key, parent bigint references {parent})"
            )

    with (
        transaction(engine) as connection,
        without_foreign_keys(connection, floors, {**NONE, "inserted": 60_000}),
    ):
        locked = set(connection.exec_driver_sql(locks).scalars())

    assert locked == {"offices", "floors", "desks"}
