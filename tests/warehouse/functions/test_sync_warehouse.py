"""The function sync_warehouse: pushes, and calls to reconcile."""

import pytest

from shared.warehouse import bigquery
from tests.support.problems import assert_problem
from tests.warehouse.functions.callers import BACKUPS, METRICS


def test_a_push_syncs_pending_loads(client_of, drop, pushed, differences, not_synced):
    drop("jobs", "1,Welder\n")

    answer = client_of("sync_warehouse").post("/sync_warehouse", **pushed)

    assert (answer.status_code, answer.data) == (204, b"")
    assert (differences(), not_synced()) == ([], 0)


def test_a_push_with_nothing_pending_is_answered_without_asking_bigquery(
    client_of, engine, pushed, monkeypatch
):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(bigquery, "RETRY_SECONDS", 0.2)

    answer = client_of("sync_warehouse").post("/", **pushed)

    assert (answer.status_code, answer.data) == (204, b"")


@pytest.mark.parametrize("headers", [{}, METRICS, {"Authorization": "Bearer x.y.z"}])
def test_only_the_push_service_may_sync(client_of, drop, headers, not_synced):
    drop("jobs", "1,Welder\n")

    answer = client_of("sync_warehouse").post("/", json={}, headers=headers)

    assert answer.status_code == 401
    assert not_synced() == 1


def test_a_push_is_retried_if_bigquery_is_unavailable(client_of, drop, pushed, monkeypatch):
    drop("jobs", "1,Welder\n")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(bigquery, "RETRY_SECONDS", 0.2)

    answer = client_of("sync_warehouse").post("/", **pushed)

    assert_problem(answer, 503, "try-again")
    assert answer.headers["Retry-After"]


def test_a_push_of_the_sweep_updates_the_status_of_rejects(
    client_of, drop, pushed, execute, ask, not_synced
):
    drop("jobs", "1,Welder\n2,\n")
    client = client_of("sync_warehouse")
    client.post("/", **pushed)
    execute("update rejected_rows set status = 'discarded'")
    statuses = "select status from `warehouse.load_rejects`"
    message = {**pushed["json"]["message"], "attributes": {"schedule": "sweep"}}

    assert client.post("/", **pushed).status_code == 204
    assert ask(statuses) == [("rejected",)]
    assert ask("select checked_at from `warehouse.sync_state`") == [(None,)]

    pushed["json"] = {**pushed["json"], "message": message}
    assert client.post("/", **pushed).status_code == 204
    assert ask(statuses) == [("discarded",)]
    assert ask("select checked_at is not null from `warehouse.sync_state`") == [(True,)]


def test_reconcile_reports_differences_and_repairs_them(client_of, hired, warehouse, differences):
    warehouse.query(f"delete from {warehouse.names.table('fact_hires')} where id = 2")
    client = client_of("sync_warehouse")

    reported = client.post("/sync_warehouse/reconcile", headers=BACKUPS)
    repaired = client.post("/reconcile", json={"repair": True}, headers=BACKUPS)
    after = client.post("/reconcile", json={"table": "jobs"}, headers=BACKUPS)

    hires = {
        "table": "hired_employees",
        "rows": {"postgres": 2, "bigquery": 1},
        "agrees": False,
        "repaired": False,
        "buckets": 1,
        "missing": 1,
        "extra": 0,
        "changed": 0,
        "repeated": 0,
        "differences": [{"kind": "missing", "key": {"id": 2}, "fields": []}],
    }
    assert reported.status_code == 200
    assert reported.get_json()["agrees"] is False
    assert reported.get_json()["tables"][2] == hires
    assert repaired.get_json()["agrees"] is True
    assert repaired.get_json()["tables"][2] == {**hires, "repaired": True}
    assert [one["table"] for one in after.get_json()["tables"]] == ["jobs"]
    assert differences() == []


def test_only_the_scope_backups_and_the_scheduler_may_reconcile(client_of, pushed):
    client = client_of("sync_warehouse")

    assert_problem(client.post("/reconcile"), 401, "token-missing")
    assert_problem(client.post("/reconcile", headers=METRICS), 403, "wrong-scope")
    scheduled = client.post("/reconcile", json={}, headers=pushed["headers"])
    assert scheduled.status_code == 200


def test_a_call_that_reconcile_cannot_answer_is_rejected(client_of):
    client = client_of("sync_warehouse")

    for body in ([], {"repair": "yes"}, {"tables": []}):
        answer = client.post("/reconcile", json=body, headers=BACKUPS)
        assert_problem(answer, 400, "invalid-body")
    unknown = client.post("/reconcile", json={"table": "offices"}, headers=BACKUPS)
    assert_problem(unknown, 404, "unknown-table")
    assert_problem(client.get("/reconcile", headers=BACKUPS), 405, "method-not-allowed")
