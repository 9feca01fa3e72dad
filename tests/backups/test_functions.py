"""backup_table and restore_table over HTTP: access, answers and the nightly schedule."""

import json

import pytest

from shared import tables
from shared.api import backups as api
from shared.backups import backup, catalog
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.validation.rows import Block
from tests.backups.rows import JOB, file, hires, jobs
from tests.support import apps
from tests.support.problems import assert_problem

JOBS = tables.find("jobs")
HIRES = tables.find("hired_employees")
TOKENS = {"backups": "a-token-of-the-tests", "rows": "another-token-of-the-tests"}
HEADERS = {"X-Token": TOKENS["backups"]}


@pytest.fixture
def changes(topics):
    """Returns the attributes of the messages on the table-changed topic."""
    return lambda: [dict(message.attributes) for message in topics("table-changed")]


@pytest.fixture
def client_of(topics, database_url, bucket, storage_endpoint, push_settings, configure):
    """Test clients of functions, on the test's own database and bucket."""
    tokens = [apps.token(scope, text, scope) for scope, text in TOKENS.items()]
    configure(
        {
            "DATABASE_URL": database_url,
            "BACKUPS_BUCKET": bucket,
            "BACKUP_KEEP_LAST": "2",
            "TOKENS": json.dumps(tokens),
            "STORAGE_EMULATOR_HOST": storage_endpoint,
            **push_settings,
        }
    )
    return lambda name: apps.load(name).app.test_client()


@pytest.fixture
def backup_table(client_of):
    return client_of("backup_table")


@pytest.fixture
def restore_table(client_of):
    return client_of("restore_table")


def test_a_backup_is_taken_listed_verified_restored_and_deleted(
    backup_table, restore_table, database, changes
):
    database.fill(JOBS, jobs(3))

    created = backup_table.post("/backup_table/jobs", headers=HEADERS)

    assert created.status_code == 201
    backup = created.get_json()
    assert (backup["table"], backup["rows"], backup["verified"]) == ("jobs", 3, True)
    assert (backup["sender"], backup["scheduled"], backup["damage"]) == ("backups", False, None)
    listed = backup_table.get("/backup_table/jobs", headers=HEADERS).get_json()
    ages = [one.pop("age_seconds") for one in (backup, *listed["backups"])]
    assert listed == {"table": "jobs", "backups": [backup]}
    assert all(0 <= age < 60 for age in ages)
    path = f"/backup_table/jobs/{backup['id']}"
    verified = backup_table.post(f"{path}/verify", headers=HEADERS)
    assert verified.status_code == 200
    assert verified.get_json()["verified_at"] > backup["verified_at"]

    database.ask("delete from jobs where id = 2")
    body = {"backup": "latest"}
    preview = restore_table.post(
        "/restore_table/jobs", json={**body, "dry_run": True}, headers=HEADERS
    ).get_json()
    assert preview["load_id"] is None
    done = restore_table.post("/restore_table/jobs", json=body, headers=HEADERS).get_json()

    assert done == {**preview, "dry_run": False, "load_id": done["load_id"]}
    assert done["inserted"] == {"count": 1, "examples": [{"id": 2}]}
    assert done["unchanged"]["count"] == 2
    assert (done["backup"], done["uri"], done["rows"]) == (backup["id"], backup["uri"], 3)
    assert changes() == [{"table": "jobs", "load_id": done["load_id"], "kind": "restore"}]
    assert database.ask("select count(*) from jobs") == [(3,)]

    assert backup_table.delete(path, headers=HEADERS).status_code == 204
    assert_problem(backup_table.delete(path, headers=HEADERS), 404, "unknown-backup")
    answer = restore_table.post("/restore_table/jobs", json=body, headers=HEADERS)
    assert_problem(answer, 404, "unknown-backup")


def test_all_tables_are_backed_up_under_one_id(backup_table, parents):
    answer = backup_table.post("/backup_table/all", json={}, headers=HEADERS)

    assert answer.status_code == 201
    found = answer.get_json()
    assert [one["table"] for one in found["backups"]] == list(tables.all_tables())
    assert {one["id"] for one in found["backups"]} == {found["id"]}
    assert {one["snapshot_at"] for one in found["backups"]} == {found["snapshot_at"]}


def test_the_schedule_backs_up_and_deletes_expired_backups(
    backup_table, backups, bucket, storage_client, monkeypatch, push_headers
):
    monkeypatch.setenv("BACKUP_KEEP_DAYS", "1")
    old = [backups.back_up([JOBS], "")[0] for _ in range(3)]
    monkeypatch.setattr(catalog, "timedelta", lambda days: backup.timedelta(seconds=-days))

    by_hand = backup_table.post("/backup_table/jobs", headers=HEADERS).get_json()
    assert len(list(backups.catalog.newest_first("jobs"))) == 4
    scheduled = backup_table.post("/backup_table/jobs", json={}, headers=push_headers).get_json()

    assert scheduled["scheduled"] is True
    left = [one.id for one in backups.catalog.newest_first("jobs")]
    assert left == [scheduled["id"], by_hand["id"]]
    assert not {one.id for one in old} & set(left)


def test_the_schedulers_header_alone_makes_no_scheduled_backup(backup_table):
    forged = {**HEADERS, "X-CloudScheduler": "true"}

    answer = backup_table.post("/backup_table/jobs", json={}, headers=forged)

    assert answer.get_json()["scheduled"] is False


def test_the_latest_backup_is_deleted_by_its_id_only(backup_table, backups):
    (manifest,) = backups.back_up([JOBS], "")

    answer = backup_table.delete("/backup_table/jobs/latest", headers=HEADERS)

    assert_problem(answer, 400, "unusable-backup-id")
    assert [one.id for one in backups.catalog.newest_first("jobs")] == [manifest.id]


def test_the_schedulers_identity_is_accepted(backup_table, push_headers):
    answer = backup_table.post("/backup_table/all", json={}, headers=push_headers)

    assert answer.status_code == 201
    assert all(one["scheduled"] for one in answer.get_json()["backups"])


def test_a_failed_scheduled_backup_logs_an_error_with_an_alert_label(
    backup_table, monkeypatch, capfd, push_headers
):
    def fails(*_, **__):
        raise RuntimeError("a row's secret")

    monkeypatch.setattr(backup.Backups, "back_up", fails)

    answer = backup_table.post("/backup_table/all", json={}, headers=push_headers)

    assert_problem(answer, 500, "internal-error")
    printed = capfd.readouterr().err
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    (failed,) = [line for line in lines if line["message"] == "A scheduled backup failed"]
    assert failed["severity"] == "ERROR"
    assert failed["logging.googleapis.com/labels"] == {"alert": "backup-failed"}
    assert failed["error"] == "RuntimeError"
    assert "secret" not in printed


def test_a_backup_succeeds_even_if_expired_ones_cannot_be_deleted(
    backup_table, monkeypatch, capfd, push_headers
):
    def fails(*_):
        raise RuntimeError

    monkeypatch.setattr(backup.Backups, "expire", fails)

    answer = backup_table.post("/backup_table/jobs", json={}, headers=push_headers)

    assert answer.status_code == 201
    assert api.ALERT["alert"] in capfd.readouterr().err


def test_a_damaged_backup_is_reported(backup_table, restore_table, backups, upload, database):
    database.fill(JOBS, jobs(3))
    (manifest,) = backups.back_up([JOBS], "")
    upload(b"broken", manifest.object)

    checked = backup_table.post(f"/backup_table/jobs/{manifest.id}/verify", headers=HEADERS)
    assert_problem(checked, 422, "damaged-backup")
    (listed,) = backup_table.get("/backup_table/jobs", headers=HEADERS).get_json()["backups"]
    assert listed["verified"] is False
    assert listed["damage"]
    for body, status, slug in (
        ({"backup": manifest.id}, 422, "damaged-backup"),
        ({"backup": "latest"}, 404, "unknown-backup"),
    ):
        answer = restore_table.post("/restore_table/jobs", json=body, headers=HEADERS)
        assert_problem(answer, status, slug)


def test_a_file_from_another_tool_is_restored_by_its_uri(
    restore_table, upload, bucket, database, changes
):
    name = upload(file(JOB, jobs(5)), "exports/jobs 1.avro")

    done = restore_table.post(
        "/restore_table/jobs",
        json={"uri": f"gs://{bucket}/{name}", "mode": "merge"},
        headers=HEADERS,
    ).get_json()

    assert (done["backup"], done["mode"], done["inserted"]["count"]) == (None, "merge", 5)
    assert database.ask("select count(*) from jobs") == [(5,)]


def test_a_backup_can_be_restored_by_its_uri(restore_table, backups, bucket, database, parents):
    (manifest,) = backups.back_up([JOBS], "")
    body = {"uri": f"gs://{bucket}/{manifest.object}"}

    done = restore_table.post("/restore_table/jobs", json=body, headers=HEADERS).get_json()
    other = restore_table.post("/restore_table/departments", json=body, headers=HEADERS)

    assert done["backup"] == manifest.id
    assert_problem(other, 422, "wrong-schema")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({}, 400, "invalid-body"),
        ({"backup": "latest", "uri": "gs://B/x"}, 400, "invalid-body"),
        ({"backup": 1}, 400, "invalid-body"),
        ({"backup": "latest", "mode": "append"}, 400, "invalid-body"),
        ({"backup": "latest", "dryrun": True}, 400, "invalid-body"),
        ({"uri": "gs://elsewhere/x.avro"}, 400, "unusable-uri"),
        ({"uri": "gs://B/"}, 400, "unusable-uri"),
        ({"uri": "B/x"}, 400, "unusable-uri"),
        ({"uri": "gs://B/a\u0000b"}, 400, "unusable-uri"),
        ({"uri": "gs://B/" + "x" * 1025}, 400, "unusable-uri"),
        ({"uri": "gs://B/../other/x.avro"}, 400, "unusable-uri"),
        ({"uri": "gs://B/jobs/./x.avro"}, 400, "unusable-uri"),
        ({"uri": "gs://B/jobs/%2e%2e/x.avro"}, 400, "unusable-uri"),
        ({"uri": "gs://B/jobs%2F..%2Fx.avro"}, 400, "unusable-uri"),
        ({"uri": "gs://B/not there"}, 404, "unknown-backup"),
        ({"backup": "0123456789ab"}, 404, "unknown-backup"),
        ({"backup": "../../etc"}, 404, "unknown-backup"),
    ],
)
def test_an_invalid_restore_request_is_a_problem(body, status, slug, restore_table, bucket):
    if "uri" in body:
        body = {**body, "uri": body["uri"].replace("gs://B/", f"gs://{bucket}/")}

    answer = restore_table.post("/restore_table/jobs", json=body, headers=HEADERS)

    assert_problem(answer, status, slug)


def test_unknown_tables_and_invalid_bodies_are_refused(backup_table, restore_table):
    for client, path in ((backup_table, "/backup_table/x"), (restore_table, "/restore_table/x")):
        answer = client.post(path, json={"backup": "latest"}, headers=HEADERS)
        assert_problem(answer, 404, "unknown-table")
    answer = backup_table.post("/backup_table/jobs", json={"mode": "fast"}, headers=HEADERS)
    assert_problem(answer, 400, "invalid-body")
    assert_problem(
        backup_table.put("/backup_table/jobs", headers=HEADERS), 405, "method-not-allowed"
    )


def test_rows_that_would_lose_their_parent_are_listed(restore_table, backups, database, parents):
    backups.back_up([JOBS], "")
    database.fill(JOBS, [(4, "Late")])
    database.fill(HIRES, [(7, "Ana", "2026-01-01T00:00:00Z", 1, 4)])

    answer = restore_table.post("/restore_table/jobs", json={"backup": "latest"}, headers=HEADERS)

    problem = assert_problem(answer, 409, "rows-without-parent")
    assert problem["broken"] == [
        {
            "table": "hired_employees",
            "field": "job_id",
            "parent": "jobs",
            "count": 1,
            "examples": [{"id": 7}],
        }
    ]


def test_rows_that_waited_for_a_restored_parent_are_loaded(
    restore_table, backups, database, parents, engine, changes
):
    backups.back_up([JOBS], "")
    database.ask("delete from jobs where id = 3")
    row = "1\t1\tAna\t2026-01-01T00:00:00Z\t1\t3\n"
    source = Source("gs://uploads/h.csv#1", "file", HIRES.name, hires(1)[0][2])
    entry = load(engine, source, lambda: [Block(staged=[row], rejects=[], read=1, shaped=1)])
    assert entry.counts.waiting == 1

    restore_table.post("/restore_table/jobs", json={"backup": "latest"}, headers=HEADERS)

    assert database.ask("select id, job_id from hired_employees") == [(1, 3)]
    published = [(found["table"], found["kind"]) for found in changes()]
    assert published == [("jobs", "restore"), ("hired_employees", "load")]


def test_a_token_of_another_scope_is_refused_by_both_functions(backup_table, restore_table):
    headers = {"X-Token": TOKENS["rows"]}

    assert_problem(backup_table.post("/backup_table/jobs", headers=headers), 403, "wrong-scope")
    answer = restore_table.post("/restore_table/jobs", json={}, headers=headers)
    assert_problem(answer, 403, "wrong-scope")
