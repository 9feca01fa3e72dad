"""insert_rows accepts batches, records rejected rows and detects repeated requests."""

import json
import threading
import uuid

import pytest

from tests.database.functions.service import HEADERS
from tests.support.problems import assert_problem

JOB, OTHER_JOB = {"id": 1, "job": "Recruiter"}, {"id": 2, "job": "Manager"}
BAD_JOB = {"id": "3", "job": " ", "pay": 1}


def test_good_rows_are_accepted_and_stored(service, rows):
    response = service.send("jobs", JOB, OTHER_JOB)

    assert response.status_code == 202
    answer = response.get_json()
    assert (answer["table"], answer["accepted"], answer["rejected_count"]) == ("jobs", 2, 0)
    assert response.headers["Tablegate-Rejected"] == "0"
    assert response.headers["Location"] == f"/insert_rows/batches/{answer['batch_id']}"
    assert service.deliver() == 1
    assert rows("select id, job from jobs order by id") == [(1, "Recruiter"), (2, "Manager")]
    assert rows("select sender, kind, cast(load_id as text) from loads") == [
        ("ann", "batch", answer["batch_id"])
    ]


def test_bad_rows_are_reported_by_index_and_field_and_recorded(service, rows):
    response = service.send("jobs", JOB, BAD_JOB, 7)

    answer = response.get_json()
    assert response.status_code == 202
    assert response.headers["Tablegate-Rejected"] == "2"
    assert (answer["accepted"], answer["rejected_count"]) == (1, 2)
    first, second = answer["rejected"]
    assert first["index"] == 1
    assert set(first["errors"]) == {"id", "job", "pay"}
    assert "no field of this name" in first["errors"]["pay"][0]
    assert (second["index"], list(second["errors"])) == (2, ["_row"])
    service.deliver()
    assert rows("select position, raw, reason from rejected_rows order by position") == [
        (1, BAD_JOB, "not_an_integer"),
        (2, 7, "not_an_object"),
    ]


def test_a_batch_without_a_good_row_is_422_and_its_rows_are_recorded(service, rows):
    response = service.send("jobs", BAD_JOB)

    problem = assert_problem(response, 422, "no-row-accepted")
    assert problem["rejected"][0]["index"] == 0
    assert (problem["accepted"], problem["rejected_count"]) == (0, 1)
    assert response.headers["Tablegate-Rejected"] == "1"
    service.deliver()
    assert rows("select cast(load_id as text), raw from rejected_rows") == [
        (problem["batch_id"], BAD_JOB)
    ]


def test_an_unknown_table_is_404_and_lists_the_known_ones(service):
    problem = assert_problem(service.send("offices", JOB), 404, "unknown-table")

    assert problem["tables"] == ["departments", "jobs", "hired_employees"]


@pytest.mark.parametrize(
    ("body", "slug", "pointer"),
    [
        (b"{", "not-json", None),
        (b'{"rows": [{"id": 1, "id": 2, "job": "x"}]}', "duplicate-key", "/rows/0"),
        (b"[" * 100_000, "too-deep", None),
        (b"[]", "not-a-batch", None),
        (b'{"rows": [], "more": 1}', "not-a-batch", None),
        (b'{"rows": []}', "empty-batch", "/rows"),
        (json.dumps({"rows": [JOB] * 1001}).encode(), "too-many-rows", "/rows"),
    ],
)
def test_a_body_that_is_not_a_batch_is_400_and_nothing_is_published(service, body, slug, pointer):
    response = service.insert.post(
        "/jobs", data=body, content_type="application/json", headers=HEADERS
    )

    problem = assert_problem(response, 400, slug)
    if pointer:
        assert problem["pointer"] == pointer
    assert service.deliver() == 0


def test_numbers_of_a_reject_are_stored_and_listed_as_they_were_sent(service, rows):
    text = '{"rows": [{"id": 9007199254740993.0, "job": "a"}, {"id": NaN, "job": "b"}]}'
    headers = {**HEADERS, "Content-Type": "application/json"}

    answer = service.insert.post("/insert_rows/jobs", data=text, headers=headers)

    problem = assert_problem(answer, 422, "no-row-accepted")
    assert "finite" in problem["rejected"][1]["errors"]["id"][0]
    service.deliver()
    stored = rows("select raw ->> 'id', reason from rejected_rows order by position")
    assert stored == [("9007199254740993.0", "not_an_integer"), ("NaN", "not_finite")]
    listed = service.rejects.get("/rejected_rows", headers=HEADERS).get_data(as_text=True)
    assert '"id":9007199254740993.0' in listed


def test_a_batch_is_pending_then_stored(service):
    batch_id = service.send("jobs", JOB, BAD_JOB).get_json()["batch_id"]

    def state():
        return service.insert.get(f"/insert_rows/batches/{batch_id}", headers=HEADERS).get_json()

    assert state() == {"batch_id": batch_id, "state": "pending"}
    service.deliver()
    stored = state()
    assert (stored["state"], stored["table"]) == ("stored", "jobs")
    assert stored["counts"] == {
        "read": 2,
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "superseded": 0,
        "waiting": 0,
        "rejected": 1,
        "deleted": 0,
    }


def test_a_batch_id_that_was_never_issued_is_404(service):
    response = service.insert.get(f"/batches/{uuid.uuid4()}", headers=HEADERS)

    assert_problem(response, 404, "unknown-batch")


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k1"}])
def test_a_batch_is_seen_by_its_sender_alone(service, headers):
    batch_id = service.send("jobs", JOB, **headers).get_json()["batch_id"]

    def seen(token):
        return service.insert.get(f"/batches/{batch_id}", headers={"X-Token": token})

    for state in ("pending", "stored"):
        assert seen("ann's token").get_json()["state"] == state
        assert_problem(seen("bob's token"), 404, "unknown-batch")
        service.deliver()


def test_a_batch_of_before_keys_had_a_sender_is_seen_by_whoever_knows_its_id(service, engine):
    batch_id = service.send("jobs", JOB, Idempotency_Key="k1").get_json()["batch_id"]
    with engine.begin() as connection:
        connection.exec_driver_sql("update batch_keys set sender = null")

    response = service.insert.get(f"/batches/{batch_id}", headers=HEADERS)

    assert response.get_json()["state"] == "pending"


def test_the_same_rows_written_otherwise_are_the_same_batch(service):
    def send(text):
        headers = {**HEADERS, "Idempotency-Key": "k1", "Content-Type": "application/json"}
        return service.insert.post("/insert_rows/jobs", data=text, headers=headers)

    first = send('{"rows": [{"id": 1, "job": "Caf\\u00e9"}]}')
    again = send('{"rows":[\n  {"job": "Café", "id": 1}\n]}'.encode())
    other = send('{"rows": [{"id": 1, "job": "Cafe"}]}')

    assert again.get_json() == first.get_json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert_problem(other, 422, "idempotency-key-reused")


def test_the_same_key_gives_the_same_batch_stored_once(service, rows):
    first = service.send("jobs", JOB, Idempotency_Key="k1")
    again = service.send("jobs", JOB, Idempotency_Key="k1")
    service.deliver()
    later = service.send("jobs", JOB, Idempotency_Key="k1")

    assert first.status_code == again.status_code == later.status_code == 202
    assert first.get_json() == again.get_json() == later.get_json()
    assert service.deliver() == 0  # a stored batch is not published again
    assert rows("select rows_read, inserted from loads") == [(1, 1)]


def test_a_repeat_has_the_acceptance_time_of_the_first_request(service, rows):
    service.send("jobs", JOB, Idempotency_Key="k1")
    service.pull("row-batches")  # the message is lost
    service.send("jobs", {**JOB, "job": "Newer"})
    service.deliver()

    service.send("jobs", JOB, Idempotency_Key="k1")
    service.deliver()

    assert rows("select job from jobs") == [("Newer",)]


def test_the_same_key_with_another_body_or_table_is_422(service):
    service.send("jobs", JOB, Idempotency_Key="k1")

    other = service.send("jobs", OTHER_JOB, Idempotency_Key="k1")
    assert_problem(other, 422, "idempotency-key-reused")
    elsewhere = service.send("departments", JOB, Idempotency_Key="k1")
    assert_problem(elsewhere, 422, "idempotency-key-reused")


def test_the_same_key_of_another_sender_is_another_batch(service):
    mine = service.send("jobs", JOB, Idempotency_Key="k1").get_json()["batch_id"]
    other = service.send("jobs", OTHER_JOB, Idempotency_Key="k1", X_Token="bob's token")

    assert other.status_code == 202
    assert other.get_json()["batch_id"] != mine


def test_an_invalid_idempotency_key_is_400(service):
    response = service.send("jobs", JOB, Idempotency_Key="a b")

    assert_problem(response, 400, "bad-idempotency-key")


def test_a_caller_that_waits_gets_the_counts(service):
    done = threading.Event()

    def deliver_soon():
        while not done.is_set() and not service.deliver():
            done.wait(0.02)

    deliverer = threading.Thread(target=deliver_soon)
    deliverer.start()
    try:
        response = service.send("jobs", JOB, BAD_JOB, Prefer="respond-async, wait=20")
    finally:
        done.set()
        deliverer.join()

    answer = response.get_json()
    assert response.status_code == 200
    assert response.headers["Preference-Applied"] == "wait=20"
    assert response.headers["Tablegate-Rejected"] == "1"
    assert (answer["state"], answer["accepted"], answer["rejected_count"]) == ("stored", 1, 1)
    assert answer["counts"]["inserted"] == 1
    assert answer["rejected"][0]["index"] == 1


def test_a_wait_that_times_out_is_answered_202(service):
    response = service.send("jobs", JOB, Prefer="wait=1")

    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "wait=1"


def test_an_invalid_preference_is_ignored(service):
    response = service.send("jobs", JOB, Prefer="wait=soon")

    assert response.status_code == 202
    assert "Preference-Applied" not in response.headers


def test_a_repeat_that_waits_is_answered_from_the_ledger(service):
    service.send("jobs", JOB, Idempotency_Key="k1")
    service.deliver()

    response = service.send("jobs", JOB, Idempotency_Key="k1", Prefer="wait=9")

    assert response.status_code == 200
    assert response.get_json()["counts"]["inserted"] == 1


def test_no_row_value_is_logged(service, capfd):
    service.send("jobs", {"id": 1, "job": "Confidential"}, {"id": "private", "job": "x"})

    printed = "".join(capfd.readouterr())
    assert "A call was answered" in printed
    assert "Confidential" not in printed
    assert "private" not in printed
    assert "ann's token" not in printed
