"""Calls answer in time if the database or Pub/Sub hangs or is away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from tests.database.functions.service import HEADERS, Service
from tests.support import apps
from tests.support.problems import assert_problem

JOB = {"id": 1, "job": "Recruiter"}
SECONDS = {"CONNECT_SECONDS": "1", "CALL_SECONDS": "2", "PUBLISH_SECONDS": "2"}
# Far from the limits above, for machines that are busy, and from what the tests below hang for.
SOON = 15.0
THREADS = 16


@pytest.fixture
def service(service, configure):
    """The functions, with short limits."""
    configure(SECONDS)
    insert, rejects = (
        apps.load(name).app.test_client() for name in ("insert_rows", "rejected_rows")
    )
    return Service(insert, rejects, service.pull)


@pytest.fixture
def frozen(stand_ins):
    """Suspends a stand-in until the test's end, but no longer than a minute."""
    contexts = []

    def act(name):
        context = stand_ins.frozen(name)
        context.__enter__()
        ended = threading.Event()
        timer = threading.Thread(
            target=lambda: (ended.wait(60), context.__exit__(None, None, None))
        )
        timer.start()
        contexts.append((ended, timer))

    yield act
    for ended, timer in contexts:
        ended.set()
        timer.join()


def seconds_of(call):
    began = time.monotonic()
    response = call()
    return response, time.monotonic() - began


def test_a_published_batch_is_accepted_while_the_database_hangs(service, frozen, rows):
    assert service.send("jobs", JOB, Prefer="wait=1", Idempotency_Key="before").status_code == 202
    frozen("postgres")

    response, seconds = seconds_of(lambda: service.send("jobs", JOB, Prefer="wait=1"))

    assert response.status_code == 202
    assert response.get_json()["batch_id"]
    assert 1 <= seconds < SOON


def test_a_published_batch_is_accepted_while_the_database_is_away(service, configure):
    configure({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"})

    response = service.send("jobs", JOB, Prefer="wait=1")

    assert response.status_code == 202
    assert [message.attributes["batch_id"] for message in service.pull("row-batches")] == [
        response.get_json()["batch_id"]
    ]


@pytest.mark.parametrize("call", ["keyed", "state", "rejects", "loads", "rows", "rows as CSV"])
def test_a_call_that_needs_the_database_is_503_while_it_hangs(service, frozen, call):
    loads, rows = (apps.load(name).app.test_client() for name in ("loads", "read_rows"))
    calls = {
        "keyed": lambda: service.send("jobs", JOB, Idempotency_Key="a"),
        "state": lambda: service.insert.get(
            "/insert_rows/batches/7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10", headers=HEADERS
        ),
        "rejects": lambda: service.rejects.get("/rejected_rows", headers=HEADERS),
        "loads": lambda: loads.get("/loads", headers=HEADERS),
        "rows": lambda: rows.get("/read_rows/jobs", headers=HEADERS),
        "rows as CSV": lambda: rows.get(
            "/read_rows/jobs", headers={**HEADERS, "Accept": "text/csv"}
        ),
    }
    assert calls[call]().status_code in {200, 202, 404}
    frozen("postgres")

    response, seconds = seconds_of(calls[call])

    assert_problem(response, 503, "try-again")
    assert response.headers["Retry-After"]
    assert seconds < SOON


def test_a_file_of_corrections_is_cut_off_if_the_database_hangs_after_its_first_page(
    service, frozen, capfd
):
    for _ in range(2):
        # More than a page holds.
        service.send("jobs", *[{"id": 1, "job": ""}] * 1000)
    service.deliver()
    path = "/rejected_rows.csv?table=jobs"
    whole = service.rejects.get(path, headers=HEADERS).data
    response = service.rejects.get(path, headers=HEADERS, buffered=False)
    received = [next(response.iter_encoded())]
    frozen("postgres")

    began = time.monotonic()
    # The server closes the connection at this error, so that the caller sees it.
    with pytest.raises(ConnectionResetError):
        received.extend(response.iter_encoded())

    assert time.monotonic() - began < SOON
    assert 1 < len(received) < whole.count(b"\n")
    assert whole.startswith(b"".join(received))
    assert '"message": "A response was cut off"' in capfd.readouterr().out


def test_calls_that_hang_leave_threads_for_those_that_do_not_need_the_database(
    service, frozen, configure
):
    configure({"CONNECT_SECONDS": "4", "CALL_SECONDS": "4", "DATABASE_POOL_SIZE": "8"})
    frozen("postgres")

    def send(number):
        headers = {**HEADERS, "Idempotency-Key": f"key-{number}"} if number < 18 else HEADERS
        client = service.insert.application.test_client()
        response = client.post("/insert_rows/jobs", json={"rows": [JOB]}, headers=headers)
        return number, response.status_code

    with ThreadPoolExecutor(THREADS) as pool:
        ended = [call.result() for call in as_completed([pool.submit(send, n) for n in range(19)])]

    assert dict(ended) == {**dict.fromkeys(range(18), 503), 18: 202}
    # Eight hold the database's places until their time is up; the call without a key is before.
    assert [number for number, _ in ended].index(18) <= 18 - 8


def test_a_batch_is_503_while_pubsub_hangs_and_calls_without_it_answer(service, frozen):
    assert service.send("jobs", JOB).status_code == 202
    service.deliver()
    frozen("pubsub")

    response, seconds = seconds_of(lambda: service.send("jobs", JOB, Prefer="wait=1"))

    assert_problem(response, 503, "try-again")
    assert seconds < SOON
    assert service.rejects.get("/rejected_rows", headers=HEADERS).status_code == 200


def test_batches_are_accepted_again_once_the_database_answers(service, stand_ins, rows):
    service.send("jobs", JOB, Idempotency_Key="a")
    with stand_ins.frozen("postgres"):
        assert service.send("jobs", JOB, Idempotency_Key="b").status_code == 503

    response = service.send("jobs", JOB, Idempotency_Key="b")

    assert response.status_code == 202
    assert service.deliver() == 2
    assert rows("select id from jobs") == [(1,)]
