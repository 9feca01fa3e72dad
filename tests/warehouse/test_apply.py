"""`apply` creates the warehouse, or updates an existing one."""

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared import tables
from shared.errors import ConfigurationError
from shared.tables import Integer, Row, Table, Text, Timestamp, UtcDay, Warehouse
from shared.warehouse.apply import apply
from shared.warehouse.bigquery import Warehouse as BigQuery
from shared.warehouse.columns import Column
from shared.warehouse.names import Names
from tests.support.checkout import ROOT

HIRING = ["dim_departments", "dim_jobs", "fact_hires"]
OBJECTS = ["applied_views", "dim_dates", "load_rejects", "loads", "sync_state", *HIRING]
VIEWS = [
    "data_freshness",
    "departments_above_mean",
    "hires_by_quarter",
    "load_history",
    "rejects_by_reason",
]


RENAMED = {"opened": "opened_at"}


@pytest.fixture
def new_warehouse(bigquery_client):
    """A warehouse that does not exist yet."""
    suffix = uuid.uuid4().hex
    names = Names(bigquery_client.project, f"new_{suffix}", f"new_reporting_{suffix}")
    return BigQuery(bigquery_client, names, timeout_seconds=30)


@pytest.fixture
def dictionary(monkeypatch):
    """Adds tables to the dictionary."""
    others = tables.all_tables()

    def act(*found):
        added = {table.name: table for table in found}
        monkeypatch.setattr(tables, "all_tables", lambda: {**others, **added})

    return act


class Office(Row):
    """An office."""

    id = Integer(minimum=1, description="Id of the office")
    city = Text(description="Where it is")
    opened = Timestamp(description="When it was opened")


class OfficeWithFloors(Office):
    """An office with a street, and with a number of floors, which is 1 if nobody says it."""

    street = Text()
    floors = Integer(minimum=1, default=1)


class OfficeWithNumber(Row):
    """An office whose city is a number."""

    id = Integer(minimum=1)
    city = Integer(minimum=1)


def columns(warehouse, name):
    return {
        field.name: field.field_type
        for field in warehouse.client.get_table(warehouse.names.plain(name)).schema
    }


def listed(warehouse, dataset):
    found = warehouse.client.list_tables(f"{warehouse.names.project}.{dataset}")
    return sorted(table.table_id for table in found)


def test_it_creates_every_object_and_can_be_called_again(new_warehouse):
    first = apply(new_warehouse, "US")
    again = apply(new_warehouse, "US")

    assert first == again == OBJECTS + VIEWS
    assert listed(new_warehouse, new_warehouse.names.warehouse) == sorted(OBJECTS)
    assert listed(new_warehouse, new_warehouse.names.reporting) == VIEWS


def test_it_can_be_called_concurrently(new_warehouse):
    with ThreadPoolExecutor(3) as pool:
        made = [pool.submit(apply, new_warehouse, "US") for _ in range(3)]

    assert [one.result() for one in made] == [OBJECTS + VIEWS] * 3
    assert listed(new_warehouse, new_warehouse.names.warehouse) == sorted(OBJECTS)


def test_old_staging_tables_of_a_killed_sync_are_deleted(new_warehouse):
    apply(new_warehouse, "US")
    new_warehouse.create_staging("staging_dim_jobs_0", [Column("id", "INT64", "")])

    apply(new_warehouse, "US")
    assert "staging_dim_jobs_0" in listed(new_warehouse, new_warehouse.names.warehouse)

    apply(new_warehouse, "US", staging_age=timedelta())
    assert listed(new_warehouse, new_warehouse.names.warehouse) == sorted(OBJECTS)


def test_the_calendar_is_complete(new_warehouse):
    new_warehouse.client.create_dataset(new_warehouse.names.warehouse)
    new_warehouse.query(new_warehouse.names.text("tables", "dim_dates"))

    def ask(sql):
        return [tuple(row.values()) for row in new_warehouse.query(sql)]

    dates = new_warehouse.names.table("dim_dates")
    assert ask(
        f"select count(*), count(distinct date), string(min(date)), string(max(date)) from {dates}"
    ) == [(109_938, 109_938, "1900-01-01", "2200-12-31")]
    assert ask(
        "select year, quarter, month, day, iso_year, iso_week, day_name, month_name"
        f" from {dates} where date = date '2021-01-03'"
    ) == [(2021, 1, 1, 3, 2020, 53, "Sunday", "January")]


def test_a_table_outside_the_star_is_created_under_its_own_name(new_warehouse, dictionary):
    dictionary(Table(name="offices", schema=Office))

    assert "offices" in apply(new_warehouse, "US")
    assert columns(new_warehouse, "offices") == {
        "id": "INTEGER",
        "city": "STRING",
        "opened": "TIMESTAMP",
        "accepted_at": "TIMESTAMP",
        "load_id": "STRING",
    }


def test_a_new_field_of_the_dictionary_is_added_and_filled(new_warehouse, dictionary):
    dictionary(Table(name="offices", schema=Office))
    apply(new_warehouse, "US")
    offices = new_warehouse.names.table("offices")
    new_warehouse.query(
        f"insert into {offices} (id, city, opened, accepted_at, load_id)"
        " values (1, 'Lima', current_timestamp(), current_timestamp(), 'x')"
    )

    dictionary(Table(name="offices", schema=OfficeWithFloors))
    filled = [{"id": 1, "street": None, "floors": 1}]
    for _ in range(2):
        apply(new_warehouse, "US")

        assert new_warehouse.query(f"select id, street, floors from {offices}") == filled
        # As when a run died after it had added the column.
        new_warehouse.query(f"update {offices} set floors = null where true")

    assert columns(new_warehouse, "offices")["floors"] == "INTEGER"


def test_a_derived_column_is_added_and_filled(new_warehouse, dictionary):
    dictionary(Table(name="offices", schema=Office, warehouse=Warehouse(rename=RENAMED)))
    apply(new_warehouse, "US")
    offices = new_warehouse.names.table("offices")
    new_warehouse.query(
        f"insert into {offices} (id, city, opened_at, accepted_at, load_id)"
        " values (1, 'Lima', timestamp '2021-02-03 23:30:00-05', current_timestamp(), 'x')"
    )

    derived = {"opened_on": UtcDay("opened", description="The day of it")}
    place = Warehouse(rename=RENAMED, derived=derived)
    dictionary(Table(name="offices", schema=Office, warehouse=place))
    apply(new_warehouse, "US")

    found = new_warehouse.query(f"select string(opened_on) as opened_on from {offices}")
    assert found == [{"opened_on": "2021-02-04"}]


def test_what_earlier_restores_deleted_is_a_count_of_its_own_in_the_view(new_warehouse):
    apply(new_warehouse, "US")
    names = new_warehouse.names
    loads = names.table("loads")
    new_warehouse.query(f"alter table {loads} drop column deleted")
    new_warehouse.query(
        f"""
        insert into {loads} (load_id, source, kind, state, rows_read, inserted, updated, unchanged,
            superseded, waiting, rejected, accepted_at, started_at, finished_at, synced_at)
        select kind, kind, kind, 'done', 3, 3, 0, 0, 5, 0, 0, now, now, now, now
        from unnest(['restore', 'file']) as kind, (select current_timestamp() as now)
        """
    )

    apply(new_warehouse, "US")

    found = new_warehouse.query(
        f"select kind, superseded, deleted from `{names.reporting}.load_history` order by kind"
    )
    assert [tuple(row.values()) for row in found] == [("file", 5, 0), ("restore", 0, 5)]


def test_a_field_that_changed_its_type_is_rejected(new_warehouse, dictionary):
    dictionary(Table(name="offices", schema=Office))
    apply(new_warehouse, "US")

    dictionary(Table(name="offices", schema=OfficeWithNumber))
    with pytest.raises(ConfigurationError, match="offices: city is STRING in BigQuery"):
        apply(new_warehouse, "US")


def test_the_command_lists_the_objects(bigquery_endpoint, new_warehouse):
    names = new_warehouse.names
    environment = {
        "BIGQUERY_EMULATOR_HOST": bigquery_endpoint,
        "GOOGLE_CLOUD_PROJECT": names.project,
        "WAREHOUSE_DATASET": names.warehouse,
        "REPORTING_DATASET": names.reporting,
    }

    done = _command("apply", **environment)
    unset = _command("apply")
    unknown = _command("destroy", **environment)

    assert (done.returncode, done.stdout[:27]) == (0, "BigQuery has applied_views,")
    assert (unset.returncode, "GOOGLE_CLOUD_PROJECT" in unset.stderr) == (1, True)
    assert (unknown.returncode, "usage" in unknown.stderr) == (2, True)


def _command(word, **environment):
    return subprocess.run(
        [sys.executable, "-m", "shared.warehouse", word],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
