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


def test_latest_passes_over_a_backup_that_proved_damaged(
    restore_table, backups, upload, content, database, capfd
):
    database.fill(JOBS, jobs(3))
    (older,), (newer,) = backups.back_up([JOBS], ""), backups.back_up([JOBS], "")
    *whole, last = content(newer.object)
    upload(bytes([*whole, last ^ 1]), newer.object)

    def restore(body):
        return restore_table.post("/restore_table/jobs", json=body, headers=HEADERS)

    problem = assert_problem(restore({"backup": "latest"}), 422, "damaged-backup")
    printed = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (alert,) = [line for line in printed if line["message"] == "A backup is damaged"]
    again = restore({"backup": "latest"})

    assert f"The newest other one is {older.id}, of " in problem["detail"]
    assert alert["logging.googleapis.com/labels"] == {"alert": "backup-damaged"}
    assert again.get_json()["backup"] == older.id
    assert not backups.catalog.find("jobs", newer.id).is_verified
    backups.catalog.delete_object(older.object)
    gone = assert_problem(restore({"backup": "latest"}), 422, "damaged-backup")
    assert "There is no other undamaged one." in gone["detail"]
    assert_problem(restore({"backup": "latest"}), 404, "unknown-backup")


@pytest.mark.parametrize("at", [-40, 0])
def test_a_copied_backup_is_verified_like_the_original(
    at, restore_table, backups, upload, content, bucket, database
):
    database.fill(JOBS, jobs(300))
    (original,) = backups.back_up([JOBS], "")
    backups.back_up([JOBS], "")
    database.ask("delete from jobs where id = 7")
    copied = bytearray(content(original.object))
    copied[at] ^= bool(at)
    name = upload(bytes(copied), "elsewhere/copied.avro")

    answer = restore_table.post(
        "/restore_table/jobs", json={"uri": f"gs://{bucket}/{name}"}, headers=HEADERS
    )

    if at:
        assert_problem(answer, 422, "damaged-backup")
        # The original is not.
        assert backups.catalog.find("jobs", original.id).is_verified
        assert database.ask("select count(*) from jobs") == [(299,)]
    else:
        assert answer.get_json()["backup"] == original.id
        assert answer.get_json()["verified"]
        assert database.ask("select count(*) from jobs") == [(300,)]


def test_a_copied_backup_without_its_manifest_is_restored_and_says_so(
    restore_table, backups, upload, content, bucket, database, capfd
):
    database.fill(JOBS, jobs(300))
    (original,) = backups.back_up([JOBS], "")
    name = upload(content(original.object), "elsewhere/copied.avro")
    backups.catalog.delete(original)
    database.ask("delete from jobs where id = 7")
    capfd.readouterr()

    answer = restore_table.post(
        "/restore_table/jobs", json={"uri": f"gs://{bucket}/{name}"}, headers=HEADERS
    )

    assert answer.get_json()["backup"] is None
    assert not answer.get_json()["verified"]
    assert database.ask("select count(*) from jobs") == [(300,)]
    (warning,) = [
        line
        for line in map(json.loads, capfd.readouterr().out.splitlines())
        if line["severity"] == "WARNING"
    ]
    assert warning["object"] == name
    assert warning["message"].startswith("A backup's manifest is not in the bucket")


def test_to_delete_more_than_half_of_a_table_needs_a_word(
    restore_table, upload, bucket, database, backups
):
    database.fill(JOBS, jobs(10))
    body = {"uri": f"gs://{bucket}/{upload(file(JOB, jobs(4)))}"}

    def restore(**options):
        answer = restore_table.post("/restore_table/jobs", json=body | options, headers=HEADERS)
        return answer, database.ask("select count(*) from jobs")

    problem = assert_problem(restore()[0], 409, "confirmation-needed")
    assert '"confirm": 6' in problem["detail"]
    assert (problem["count"], problem["examples"][0]) == (6, {"id": 5})
    for word in (0, 5, 7):
        answer, left = restore(confirm=word)
        assert (answer.status_code, left) == (409, [(10,)])
    assert restore(dry_run=True)[0].get_json()["deleted"]["count"] == 6
    assert restore(mode="merge")[0].status_code == 200
    answer, left = restore(confirm=6)
    assert (answer.status_code, left) == (200, [(4,)])


def test_half_of_a_table_is_deleted_without_a_word(restore_table, upload, bucket, database):
    database.fill(JOBS, jobs(10))
    body = {"uri": f"gs://{bucket}/{upload(file(JOB, jobs(5)))}"}

    assert restore_table.post("/restore_table/jobs", json=body, headers=HEADERS).status_code == 200


@pytest.fixture
def two_that_refuse_each_other(database, parents, backups):
    """Departments and hires, both changed since their backup; gives the rows of all tables."""
    departments = tables.find("departments")
    database.fill(HIRES, hires(9))
    backups.back_up(list(tables.all_tables().values()), "")
    before = [database.rows(table) for table in tables.all_tables().values()]
    database.ask("delete from hired_employees where department_id = 3 or id > 7")
    database.ask("delete from departments where id = 3")
    database.fill(departments, [(4, "New")])
    database.ask("update hired_employees set department_id = 4 where id = 1")
    return before


def test_tables_that_refuse_each_other_alone_are_restored_together(
    two_that_refuse_each_other, restore_table, database, changes
):
    def restore(name, **options):
        body = {"backup": "latest", **options}
        return restore_table.post(f"/restore_table/{name}", json=body, headers=HEADERS)

    def stored():
        return [database.rows(table) for table in tables.all_tables().values()]

    changed = stored()
    for name in ("departments", "hired_employees"):
        problem = assert_problem(restore(name), 409, "rows-without-parent")
        assert "POST /restore_table/all" in problem["detail"]
    preview = restore("all", dry_run=True).get_json()["tables"]
    assert stored() == changed
    done = restore("all").get_json()["tables"]

    assert stored() == two_that_refuse_each_other
    assert [one["table"] for one in done] == list(tables.all_tables())
    assert [{**one, "load_id": None, "dry_run": True} for one in done] == preview
    departments, _, found = done
    assert (departments["inserted"]["examples"], departments["deleted"]["examples"]) == (
        [{"id": 3}],
        [{"id": 4}],
    )
    assert [found[kind]["count"] for kind in ("inserted", "updated", "deleted")] == [4, 1, 0]
    assert {one["load_id"] for one in done} == {one["load_id"] for one in changes()}
    assert database.ask("select count(*), sum(deleted) from loads where kind = 'restore'") == [
        (3, 1)
    ]


def test_a_set_with_a_damaged_backup_changes_nothing_and_is_passed_over(
    two_that_refuse_each_other, restore_table, database, backups, upload, content
):
    def restore(**options):
        body = {"backup": "latest", **options}
        return restore_table.post("/restore_table/all", json=body, headers=HEADERS)

    changed = [database.rows(table) for table in tables.all_tables().values()]
    manifest = backups.catalog.find("jobs", "latest")
    # Newer, and of no use to a set.
    backups.back_up([JOBS], "")
    *whole, last = content(manifest.object)
    upload(bytes([*whole, last ^ 1]), manifest.object)

    problem = assert_problem(restore(), 422, "damaged-backup")

    assert "There is no other undamaged one." in problem["detail"]
    assert [database.rows(table) for table in tables.all_tables().values()] == changed
    assert_problem(restore(), 404, "unknown-backup")
    assert_problem(restore(backup="0123456789ab"), 404, "unknown-backup")


def test_the_latest_set_is_the_newest_that_was_made_together(backups, parents, database):
    known = list(tables.all_tables().values())
    names = [table.name for table in known]
    (first, *_), (second, *_) = backups.back_up(known, ""), backups.back_up(known, "")
    backups.back_up([JOBS], "")

    found = backups.catalog.find_set(names, "latest")
    assert ([one.table for one in found], {one.id for one in found}) == (names, {second.id})
    backups.record(found[1], "damaged")
    assert {one.id for one in backups.catalog.find_set(names, "latest")} == {first.id}


def test_a_set_that_would_delete_most_of_a_table_needs_the_number_of_all(
    restore_table, backups, database, parents
):
    backups.back_up(list(tables.all_tables().values()), "")
    database.fill(tables.find("departments"), [(i, f"New {i}") for i in range(4, 9)])
    database.fill(JOBS, [(4, "New")])

    def restore(**options):
        body = {"backup": "latest", **options}
        return restore_table.post("/restore_table/all", json=body, headers=HEADERS)

    assert assert_problem(restore(), 409, "confirmation-needed")["count"] == 6
    assert assert_problem(restore(confirm=5), 409, "confirmation-needed")["count"] == 6
    assert restore(confirm=6).status_code == 200
    assert database.ask("select count(*) from departments") == [(3,)]


def test_bare_numbers_are_moments_if_the_caller_says_so(
    restore_table, upload, bucket, database, parents
):
    fields = {"id": "long", "name": "string", "datetime": "long"} | {
        "department_id": "long",
        "job_id": "long",
    }
    body = {"uri": f"gs://{bucket}/{upload(file(fields, [(1, 'Ana', 1627401728000001, 1, 2)]))}"}

    def restore(**options):
        return restore_table.post(
            "/restore_table/hired_employees", json=body | options, headers=HEADERS
        )

    problem = assert_problem(restore(), 422, "wrong-schema")
    assert '"bare_longs": "microseconds"' in problem["detail"]
    assert restore(bare_longs="microseconds").status_code == 200
    assert database.ask("select datetime::text from hired_employees at_utc") == [
        ("2021-07-27 16:02:08.000001+00",)
    ]


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
    row = b"1\t1\tAna\t2026-01-01T00:00:00Z\t1\t3\n"
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
