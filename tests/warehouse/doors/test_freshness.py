"""The door of freshness: how far BigQuery is behind."""

from datetime import datetime

from shared import tables
from tests.support.problems import assert_problem
from tests.warehouse.doors.callers import METRICS


def test_an_empty_platform_is_not_behind(door, warehouse, engine):
    said = door("freshness").get("/freshness", headers=METRICS).get_json()

    assert [one.pop("table") for one in said["tables"]] == list(tables.all_tables())
    nothing = {"unsynced": 0, "oldest_unsynced": None, "lag_seconds": 0}
    never = {"as_of": None, "changed_at": None, "checked_at": None}
    assert said.pop("tables") == [{**nothing, **never}] * 3
    assert said == {**nothing, "bigquery": True, "newest_synced": None}


def test_it_says_what_bigquery_has_and_what_it_has_not(door, hired, drop, sync, execute):
    sync.sweep()
    synced = execute("select max(finished_at) from loads")[0][0]
    drop("jobs", "2,Tester\n", minute=1)
    drop("jobs", "3,Baker\n", minute=2)

    said = door("freshness").get("/", headers=METRICS).get_json()

    oldest = execute("select min(finished_at) from loads where synced_at is null")[0][0]
    jobs = next(one for one in said["tables"] if one["table"] == "jobs")
    hires = next(one for one in said["tables"] if one["table"] == "hired_employees")
    assert (said["bigquery"], said["unsynced"]) == (True, 2)
    assert datetime.fromisoformat(said["newest_synced"]) == synced
    assert datetime.fromisoformat(said["oldest_unsynced"]) == oldest
    assert (jobs["unsynced"], hires["unsynced"]) == (2, 0)
    assert (hires["lag_seconds"], hires["oldest_unsynced"]) == (0, None)
    assert 0 < jobs["lag_seconds"] == said["lag_seconds"] < 60
    for one in (jobs, hires):
        assert one["as_of"] <= one["changed_at"] <= one["checked_at"]


def test_where_bigquery_is_away_it_says_what_the_ledger_knows(door, drop, engine, monkeypatch):
    drop("jobs", "1,Welder\n")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")

    answer = door("freshness").get("/", headers=METRICS)

    said = answer.get_json()
    assert answer.status_code == 200
    assert (said["bigquery"], said["newest_synced"], said["unsynced"]) == (False, None, 1)


def test_what_freshness_is_not_asked_with(door):
    client = door("freshness")

    assert_problem(client.get("/"), 401, "token-missing")
    assert_problem(client.post("/", headers=METRICS), 405, "method-not-allowed")
