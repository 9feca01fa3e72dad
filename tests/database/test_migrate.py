"""Migrations run up and down over data and add what the dictionary has gained."""

import pytest
import sqlalchemy as sa

from shared import tables
from shared.database import migrate
from shared.database.engine import transaction
from shared.tables import Integer, Row, Table, Text


@pytest.fixture
def dictionary():
    """The dictionary; changes to it are undone after the test."""
    known = tables.all_tables()
    before = dict(known)
    yield known
    known.clear()
    known.update(before)


COLUMNS = """
    select table_name, column_name, data_type from information_schema.columns
    where table_schema = 'public' order by 1, 2
"""


ID = "'00000000-0000-0000-0000-000000000001'"
# One row in each table of the dictionary and of the platform.
SAMPLE_ROWS = (
    f"insert into loads (load_id, source, kind, table_name, state, accepted_at)"
    f" values ({ID}, 'gs://uploads/jobs.csv#1', 'file', 'jobs', 'done', now())",
    f"insert into departments values (1, 'Sales', now(), {ID})",
    f"insert into jobs values (1, 'Welder', now(), {ID})",
    f"insert into hired_employees values (1, 'Ann', now(), 1, 1, now(), {ID})",
    f"insert into rejected_rows (load_id, table_name, position, raw, errors, reason)"
    f" values ({ID}, 'jobs', 2, '{{}}', '[]', 'missing')",
    f"insert into row_versions (table_name, key, row, accepted_at, load_id, reason, replaced_by)"
    f" values ('jobs', '[1]', '{{}}', now(), {ID}, 'late', {ID})",
)


def test_migrating_twice_changes_nothing(engine, rows):
    before = rows(COLUMNS)

    migrate.migrate(engine)

    after = rows(COLUMNS)
    assert after == before


def test_the_migrations_run_down_and_up_over_data(engine, rows):
    with transaction(engine) as connection:
        for statement in SAMPLE_ROWS:
            connection.exec_driver_sql(statement)

    migrate.downgrade(engine, "base")
    assert rows("select to_regclass('loads')") == [(None,)]

    migrate.migrate(engine)
    assert rows("select count(*) from loads") == [(0,)]
    assert rows("select job from jobs") == [("Welder",)]
    assert rows("select name, department_id, job_id from hired_employees") == [("Ann", 1, 1)]


def test_what_earlier_restores_deleted_becomes_a_count_of_its_own(engine, rows):
    migrate.downgrade(engine, "0002")
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into loads (load_id, source, kind, state, rows_read, inserted, superseded, "
            f"accepted_at) values ({ID}, 'a restore', 'restore', 'done', 3, 3, 5, now())"
        )

    migrate.migrate(engine)

    assert rows("select inserted, superseded, deleted from loads") == [(3, 0, 5)]


def test_rows_that_were_replaced_before_versions_had_reasons_are_kept(engine, rows):
    migrate.downgrade(engine, "0003")
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into replaced_rows (table_name, key, row, accepted_at, load_id, replaced_by) "
            f"values ('jobs', '[1]', '{{}}', now(), {ID}, {ID})"
        )

    migrate.migrate(engine)

    assert rows("select key, reason from row_versions") == [([1], "replaced")]


def test_going_back_to_replaced_rows_drops_the_versions_that_it_never_had(engine, rows):
    with transaction(engine) as connection:
        for reason, row in (("replaced", "'{}'"), ("late", "'{}'"), ("confirmed", "null")):
            connection.exec_driver_sql(
                "insert into row_versions "
                "(table_name, key, row, accepted_at, load_id, reason, replaced_by) "
                f"values ('jobs', '\"{reason}\"', {row}, now(), {ID}, '{reason}', {ID})"
            )

    migrate.downgrade(engine, "0003")

    assert rows("select key from replaced_rows") == [("replaced",)]
    migrate.migrate(engine)


def test_a_table_added_to_the_dictionary_is_added_to_the_database(engine, rows, dictionary):
    class Salary(Row):
        """A salary."""

        id = Integer()
        amount = Integer()

    dictionary["salaries"] = Table("salaries", Salary)

    migrate.migrate(engine)

    assert rows("select count(*) from salaries") == [(0,)]


def test_a_field_with_a_default_is_added_to_existing_rows(engine, rows, dictionary):
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into jobs values (1, 'Welder', now(), '00000000-0000-0000-0000-000000000001')"
        )

    class Job(Row):
        """A job."""

        id = Integer()
        job = Text()
        level = Text(default="it's junior")

    dictionary["jobs"] = Table("jobs", Job)
    migrate.migrate(engine)

    assert rows("select id, level from jobs") == [(1, "it's junior")]


def test_an_older_release_leaves_the_tables_of_a_newer_one(engine, rows):
    with transaction(engine) as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")

    migrate.migrate(engine)

    assert rows("select version_num from alembic_version") == [("9999",)]


def test_the_ledger_refuses_counts_that_do_not_add_up(engine):
    with pytest.raises(sa.exc.DatabaseError), engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into loads (load_id, source, kind, state, accepted_at, rows_read)"
            " values (gen_random_uuid(), 'x', 'file', 'done', now(), 5)"
        )
