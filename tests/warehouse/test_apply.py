"""`apply` makes the warehouse, and evolves the one there is."""

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared import tables
from shared.errors import ConfigurationError
from shared.tables import Integer, Row, Table, Text, Timestamp
from shared.warehouse.apply import apply
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.columns import Column
from shared.warehouse.names import Names
from tests.support.checkout import ROOT

STAR = ["dim_dates", "dim_departments", "dim_jobs", "fact_hires"]
OBJECTS = [*STAR, "load_rejects", "loads", "sync_state"]
VIEWS = [
    "data_freshness",
    "departments_above_mean",
    "hires_by_quarter",
    "load_history",
    "rejects_by_reason",
]


@pytest.fixture
def nothing(bigquery_client):
    """A warehouse that has not been made."""
    suffix = uuid.uuid4().hex
    names = Names(bigquery_client.project, f"new_{suffix}", f"new_reporting_{suffix}")
    return Warehouse(bigquery_client, names, timeout_seconds=30)


@pytest.fixture
def dictionary(monkeypatch):
    """Put tables in place of the dictionary's."""

    def act(*found):
        monkeypatch.setattr(tables, "all_tables", lambda: {table.name: table for table in found})

    return act


class Office(Row):
    """An office."""

    id = Integer(description="Id of the office")
    city = Text(description="Where it is")
    opened = Timestamp(description="When it was opened")


class OfficeWithFloors(Office):
    """An office that says how many floors it has."""

    floors = Integer(load_default=1)


class OfficeWithNumber(Row):
    """An office whose city is a number."""

    id = Integer()
    city = Integer()


def columns(warehouse, name):
    return {
        field.name: field.field_type
        for field in warehouse.client.get_table(warehouse.names.plain(name)).schema
    }


def listed(warehouse, dataset):
    found = warehouse.client.list_tables(f"{warehouse.names.project}.{dataset}")
    return sorted(table.table_id for table in found)


def test_it_makes_every_object_and_may_be_called_again(nothing):
    first = apply(nothing, "US")
    again = apply(nothing, "US")

    assert first == again == OBJECTS + VIEWS
    assert listed(nothing, nothing.names.warehouse) == OBJECTS
    assert listed(nothing, nothing.names.reporting) == VIEWS


def test_it_may_be_called_twice_at_once(nothing):
    with ThreadPoolExecutor(3) as pool:
        made = [pool.submit(apply, nothing, "US") for _ in range(3)]

    assert [one.result() for one in made] == [OBJECTS + VIEWS] * 3
    assert listed(nothing, nothing.names.warehouse) == OBJECTS


def test_staging_tables_that_a_killed_sync_left_go_when_they_are_old(nothing):
    apply(nothing, "US")
    nothing.create_staging("staging_dim_jobs_0", [Column("id", "INT64", "")])

    apply(nothing, "US")
    assert "staging_dim_jobs_0" in listed(nothing, nothing.names.warehouse)

    apply(nothing, "US", staging_age=timedelta())
    assert listed(nothing, nothing.names.warehouse) == OBJECTS


def test_the_calendar_is_whole(warehouse, ask):
    assert ask(
        "select count(*), count(distinct date), string(min(date)), string(max(date))"
        " from `warehouse.dim_dates`"
    ) == [(109_938, 109_938, "1900-01-01", "2200-12-31")]
    assert ask(
        "select year, quarter, month, day, iso_year, iso_week, day_name, month_name"
        " from `warehouse.dim_dates` where date = date '2021-01-03'"
    ) == [(2021, 1, 1, 3, 2020, 53, "Sunday", "January")]


def test_a_table_without_a_place_in_the_star_is_made_under_its_own_name(nothing, dictionary):
    dictionary(Table(name="offices", schema=Office))

    assert "offices" in apply(nothing, "US")
    assert columns(nothing, "offices") == {
        "id": "INTEGER",
        "city": "STRING",
        "opened": "TIMESTAMP",
        "accepted_at": "TIMESTAMP",
        "load_id": "STRING",
    }


def test_a_field_the_dictionary_gains_is_added_and_filled(nothing, dictionary):
    dictionary(Table(name="offices", schema=Office))
    apply(nothing, "US")
    offices = nothing.names.table("offices")
    nothing.query(
        f"insert into {offices} (id, city, opened, accepted_at, load_id)"
        " values (1, 'Lima', current_timestamp(), current_timestamp(), 'x')"
    )

    dictionary(Table(name="offices", schema=OfficeWithFloors))
    apply(nothing, "US")
    apply(nothing, "US")

    assert columns(nothing, "offices")["floors"] == "INTEGER"
    assert nothing.query(f"select id, floors from {offices}") == [{"id": 1, "floors": 1}]


def test_a_field_that_changed_its_type_is_refused(nothing, dictionary):
    dictionary(Table(name="offices", schema=Office))
    apply(nothing, "US")

    dictionary(Table(name="offices", schema=OfficeWithNumber))
    with pytest.raises(ConfigurationError, match="'city' of 'offices' is STRING in BigQuery"):
        apply(nothing, "US")


def test_the_command_says_what_is_there(bigquery_endpoint, nothing):
    names = nothing.names
    environment = {
        "BIGQUERY_EMULATOR_HOST": bigquery_endpoint,
        "GOOGLE_CLOUD_PROJECT": names.project,
        "WAREHOUSE_DATASET": names.warehouse,
        "REPORTING_DATASET": names.reporting,
    }

    done = _command("apply", **environment)
    unset = _command("apply")
    unknown = _command("destroy", **environment)

    assert (done.returncode, done.stdout[:26]) == (0, "BigQuery has dim_dates, di")
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
