"""Reconciling checks columns, views, the calendar, loads and rejects, and repairs what it can."""

import json

import pytest

from shared import tables
from shared.warehouse import objects
from shared.warehouse.apply import apply
from shared.warehouse.reconcile import reconcile

APPLY = "python -m shared.warehouse apply"


@pytest.fixture
def synced(drop, sync):
    """Jobs of two loads, one with rejects, and a file that failed."""
    drop("departments", "1,Sales\n")
    drop("jobs", "1,Welder\n2,\n3,\n")
    drop("hired_employees", "1,Ana,2021-02-03T04:05:06Z,1,1\n")
    sync.sweep()


@pytest.fixture
def plant(warehouse):
    """Runs a statement on BigQuery, outside any sync."""
    return lambda sql: warehouse.query(warehouse.names.resolved(sql))


@pytest.fixture
def found(synced, sync):
    """Reconciles; returns what is not as it should be, by name."""

    def act(**options):
        return {one.name: one for one in reconcile(sync, **options).objects}

    return act


def test_what_is_as_it_should_be_is_not_reported(found, sync, warehouse, capfd):
    capfd.readouterr()

    assert found() == {}
    assert reconcile(sync).agrees
    apply(warehouse, "US")
    assert found() == {}
    assert "ERROR" not in "".join(capfd.readouterr())


# A statement, the object that it spoils, and a word of the sentence.
REPAIRED = {
    "a day is missing": (
        "delete from `warehouse.dim_dates` where date = date '2021-02-03'",
        "dim_dates",
        "1 missing",
    ),
    "a day is twice": (
        "insert into `warehouse.dim_dates` "
        "select * from `warehouse.dim_dates` where date = date '2021-02-03'",
        "dim_dates",
        "1 repeated",
    ),
    "a day is in another quarter": (
        "update `warehouse.dim_dates` set quarter = 4 where date = date '2021-02-03'",
        "dim_dates",
        "1 changed",
    ),
    "a day has no name": (
        "update `warehouse.dim_dates` set day_name = null where date = date '2021-02-03'",
        "dim_dates",
        "1 changed",
    ),
    "a load is missing": (
        "delete from `warehouse.loads` where table_name = 'jobs'",
        "loads",
        "for 1 days: 20",
    ),
    "a load is twice": (
        "insert into `warehouse.loads` select * from `warehouse.loads` where table_name = 'jobs'",
        "loads",
        "for 1 days: 20",
    ),
    "a load has other counts": (
        "update `warehouse.loads` set inserted = 7 where table_name = 'jobs'",
        "loads",
        "for 1 days: 20",
    ),
    "a load has another sender": (
        "update `warehouse.loads` set sender = 'bob' where table_name = 'jobs'",
        "loads",
        "for 1 days: 20",
    ),
    "a load is of another day": (
        "update `warehouse.loads` set finished_at = timestamp '2001-01-01' "
        "where table_name = 'jobs'",
        "loads",
        "for 2 days: 2001-01-01, 20",
    ),
    "rejects are missing": ("delete from `warehouse.load_rejects` where true", "load_rejects", "1"),
    "rejects have another count": (
        "update `warehouse.load_rejects` set row_count = 5 where true",
        "load_rejects",
        "for 1 days: 20",
    ),
    "rejects have another reason": (
        "update `warehouse.load_rejects` set reason = 'blank' where true",
        "load_rejects",
        "for 1 days: 20",
    ),
    "a view is missing": (
        "drop view `reporting.load_history`",
        "reporting.load_history",
        "is missing",
    ),
    "a view has another query": (
        "create or replace view `reporting.hires_by_quarter` as select 1 as year",
        "reporting.hires_by_quarter",
        "Somebody has changed",
    ),
    "a view is of another version": (
        "update `warehouse.applied_views` set text_md5 = 'x' where view_name = 'data_freshness'",
        "reporting.data_freshness",
        "another version",
    ),
    "it is not known how a view was applied": (
        "delete from `warehouse.applied_views` where view_name = 'data_freshness'",
        "reporting.data_freshness",
        "another version",
    ),
}


@pytest.mark.parametrize("case", REPAIRED)
def test_a_difference_is_named_with_its_remedy_and_repaired(found, plant, sync, capfd, case):
    statement, name, words = REPAIRED[case]
    plant(statement)
    capfd.readouterr()

    differs = found()

    # A load that is of no day, or of another one, takes its rejects with it.
    assert set(differs) - {"load_rejects"} in ({name}, set()) and name in differs
    assert words in differs[name].what
    assert "econcile with repair" in differs[name].remedy or APPLY in differs[name].remedy
    assert not differs[name].repaired
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (alert,) = [line for line in lines if line["object"] == name]
    assert alert["logging.googleapis.com/labels"] == {"alert": "warehouse-differs"}
    repaired = reconcile(sync, repair=True)
    assert {one.name for one in repaired.objects if one.repaired} == set(differs)
    assert repaired.agrees
    assert found() == {}


@pytest.fixture
def mended(warehouse, sync):
    """Afterwards the warehouse, which other tests use too, is as it should be."""
    yield
    for name in ("dim_jobs", "fact_hires", "dim_dates", "loads"):
        warehouse.drop(name)
    apply(warehouse, "US")
    sync.sweep()


# A statement, the table that it spoils, and the sentence.
COLUMNS = {
    "a table is missing": ("drop table `warehouse.{}`", "fact_hires", "The table is missing."),
    "the calendar is missing": ("drop table `warehouse.{}`", "dim_dates", "The table is missing."),
    "the loads are missing": ("drop table `warehouse.{}`", "loads", "The table is missing."),
    "a column is missing": (
        "create or replace table `warehouse.{0}` as select * except (name) from `warehouse.{0}`",
        "fact_hires",
        "Its columns differ: it lacks name.",
    ),
    # The stand-in does not notice that it is gone before the table is queried.
    "a column is missing that BigQuery says is there": (
        "alter table `warehouse.{}` drop column name",
        "fact_hires",
        "Its rows cannot be compared.",
    ),
    "a column of loads is missing": (
        "create or replace table `warehouse.{0}` as select * except (sender) from `warehouse.{0}`",
        "loads",
        "Its columns differ: it lacks sender.",
    ),
    "a column has another type": (
        "create or replace table `warehouse.{}` as "
        "select cast(1 as string) as id, 'x' as job, current_timestamp() as accepted_at, "
        "'x' as load_id",
        "dim_jobs",
        "Its columns differ: id is STRING and should be INT64.",
    ),
    "a column that nobody fills must have a value": (
        "create or replace table `warehouse.{}` (id int64 not null, job string not null, "
        "accepted_at timestamp not null, load_id string not null, colour string not null)",
        "dim_jobs",
        "Its columns differ: colour must have a value, and nobody gives it one.",
    ),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_a_table_that_is_not_as_it_should_be_hides_no_other(
    found, plant, sync, warehouse, drop, mended, case
):
    statement, name, sentence = COLUMNS[case]
    plant(statement.format(name))
    plant("delete from `warehouse.dim_departments` where true")
    drop("jobs", "4,Tester\n")

    result = reconcile(sync)

    differs = {one.name: one for one in result.objects}
    assert not result.agrees
    assert differs[name].what.startswith(sentence)
    assert APPLY[1:] in differs[name].remedy
    compared = {one.found.projection.target: one.found for one in result.tables}
    assert not compared["dim_departments"].agrees
    assert name not in compared
    # The remedy that it names, and the next sweep, make it right. For the columns themselves the
    # stand-in needs the other remedy: it goes on telling `apply` of the columns that were there.
    remade = {"a column has another type", "a column is missing that BigQuery says is there"}
    assert ("Drop the table" in differs[name].remedy) == (case in remade)
    warehouse.drop(name)
    apply(warehouse, "US")
    sync.sweep()
    assert reconcile(sync, repair=True).agrees
    assert reconcile(sync).agrees


def test_of_a_table_only_its_columns_are_checked(found, plant, mended):
    plant("delete from `warehouse.dim_dates` where true")
    plant(
        "create or replace table `warehouse.dim_jobs` as "
        "select * except (job) from `warehouse.dim_jobs`"
    )

    assert found(tables=[tables.find("departments")]) == {}
    assert set(found(tables=[tables.find("jobs")])) == {"dim_jobs"}
    assert set(found()) == {"dim_dates", "dim_jobs"}


def test_every_table_of_the_warehouse_has_its_columns_checked(warehouse):
    apply(warehouse, "US")
    there = {name for name in warehouse.table_names() if not name.startswith("staging_")}

    assert set(objects._tables()) == there
    for name, columns in objects._tables().items():
        schema = warehouse.client.get_table(warehouse.names.plain(name)).schema
        assert list(columns) and {field.name for field in schema} == set(columns), name
