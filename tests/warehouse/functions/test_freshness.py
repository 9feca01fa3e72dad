"""The function freshness: how far BigQuery is behind PostgreSQL."""

import time
from datetime import datetime

from shared import tables
from tests.support.problems import assert_problem
from tests.warehouse.functions.callers import METRICS


def test_an_empty_platform_is_not_behind(client_of, warehouse, engine):
    body = client_of("freshness").get("/freshness", headers=METRICS).get_json()

    assert [one.pop("table") for one in body["tables"]] == list(tables.all_tables())
    nothing = {"unsynced": 0, "oldest_unsynced": None, "lag_seconds": 0}
    never = {"as_of": None, "changed_at": None, "checked_at": None}
    assert body.pop("tables") == [{**nothing, **never}] * 3
    assert body == {**nothing, "bigquery": True, "newest_synced": None}


def test_it_reports_what_bigquery_has_and_what_is_missing(client_of, hired, drop, sync, execute):
    sync.sweep()
    synced = execute("select max(finished_at) from loads")[0][0]
    drop("jobs", "2,Tester\n", minute=1)
    execute(
        "update loads set finished_at = finished_at - interval '1 hour' where synced_at is null"
    )
    drop("jobs", "3,Baker\n", minute=2)

    lag = (
        "select extract(epoch from clock_timestamp() - min(finished_at))::float"
        " from loads where synced_at is null"
    )

    before = execute(lag)[0][0]
    body = client_of("freshness").get("/", headers=METRICS).get_json()
    after = execute(lag)[0][0]

    oldest = execute("select min(finished_at) from loads where synced_at is null")[0][0]
    jobs = next(one for one in body["tables"] if one["table"] == "jobs")
    hires = next(one for one in body["tables"] if one["table"] == "hired_employees")
    assert (body["bigquery"], body["unsynced"]) == (True, 2)
    assert datetime.fromisoformat(body["newest_synced"]) == synced
    assert datetime.fromisoformat(body["oldest_unsynced"]) == oldest
    assert (jobs["unsynced"], hires["unsynced"]) == (2, 0)
    assert (hires["lag_seconds"], hires["oldest_unsynced"]) == (0, None)
    assert before <= jobs["lag_seconds"] == body["lag_seconds"] <= after
    for one in (jobs, hires):
        assert one["as_of"] <= one["changed_at"] <= one["checked_at"]


def test_it_reports_the_ledger_if_bigquery_is_unavailable(client_of, drop, engine, monkeypatch):
    drop("jobs", "1,Welder\n")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")

    answer = client_of("freshness").get("/", headers=METRICS)

    body = answer.get_json()
    assert answer.status_code == 200
    assert (body["bigquery"], body["newest_synced"], body["unsynced"]) == (False, None, 1)


def test_a_call_without_a_token_or_with_another_method_is_rejected(client_of):
    client = client_of("freshness")

    assert_problem(client.get("/"), 401, "token-missing")
    assert_problem(client.post("/", headers=METRICS), 405, "method-not-allowed")


def test_it_reports_the_ledger_while_bigquery_hangs(client_of, drop, engine, stand_ins):
    drop("jobs", "1,Welder\n")
    client = client_of("freshness")
    assert client.get("/", headers=METRICS).get_json()["bigquery"] is True

    with stand_ins.frozen("bigquery"):
        began = time.monotonic()
        answer = client.get("/", headers=METRICS)
        seconds = time.monotonic() - began

    assert (answer.status_code, answer.get_json()["bigquery"]) == (200, False)
    assert answer.get_json()["unsynced"] == 1
    # Its own limit is 3 s.
    assert seconds < 10


def test_it_is_503_in_time_while_the_database_hangs(
    client_of, drop, engine, stand_ins, monkeypatch
):
    drop("jobs", "1,Welder\n")
    monkeypatch.setenv("CONNECT_SECONDS", "1")
    monkeypatch.setenv("CALL_SECONDS", "2")
    client = client_of("freshness")
    assert client.get("/", headers=METRICS).status_code == 200

    with stand_ins.frozen("postgres"):
        began = time.monotonic()
        answer = client.get("/", headers=METRICS)
        seconds = time.monotonic() - began

    assert_problem(answer, 503, "try-again")
    # Far from the limits above, for machines that are busy.
    assert seconds < 15
