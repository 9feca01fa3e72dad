"""Replays of the same reject at the same time, and a replay beside a discard: one of them wins."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import wiring
from shared.database.engine import transaction
from shared.loading import reject_queue


@pytest.fixture
def reject_id(service, rows):
    """A reject of jobs."""
    service.send("jobs", {"id": 1, "job": ""})
    service.deliver()
    return rows("select reject_id from rejected_rows")[0][0]


@pytest.fixture
def replay(reject_id):
    """Replays the reject with a row of the given id."""

    def act(number):
        corrected = {reject_id: {"id": number, "job": "A"}}
        return reject_queue.replay(
            wiring.engine(), wiring.publisher(), wiring.settings(), "ann", corrected
        )

    return act


def test_of_ten_simultaneous_replays_one_stores_its_row(
    engine, reject_id, replay, rows, until_blocked
):
    with ThreadPoolExecutor(10) as pool:
        with transaction(engine) as other:
            other.exec_driver_sql("select from rejected_rows for update")
            replays = [pool.submit(replay, number) for number in range(101, 111)]
            until_blocked()
        outcomes = [replayed.result() for replayed in replays]

    assert [outcome.closed for outcome in outcomes if outcome.closed] == [[reject_id]]
    lost = [outcome.not_open for outcome in outcomes if not outcome.closed]
    assert lost == [{reject_id: "replayed"}] * 9
    assert rows("select count(*) from jobs") == [(1,)]
    assert rows("select count(*) from loads where kind = 'replay'") == [(1,)]


def test_a_replay_beside_a_discard_stores_nothing_that_is_discarded(
    reject_id, replay, rows, uncommitted, until_blocked
):
    with uncommitted("update rejected_rows set status = 'discarded'") as other:  # noqa: SIM117
        with ThreadPoolExecutor() as pool:
            replaying = pool.submit(replay, 101)
            until_blocked()
            other.commit()

    assert replaying.result().not_open == {reject_id: "discarded"}
    assert rows("select count(*) from jobs") == [(0,)]
    assert rows("select count(*) from loads where kind = 'replay'") == [(0,)]


def test_a_discard_beside_a_replay_finds_the_reject_closed(
    engine, reject_id, replay, rows, until_blocked
):
    with ThreadPoolExecutor() as pool:
        with transaction(engine) as other:
            # The replay has its reject, and cannot yet store its row.
            other.exec_driver_sql("lock table jobs in exclusive mode")
            replaying = pool.submit(replay, 101)
            until_blocked()
            discarding = pool.submit(reject_queue.discard, engine, [reject_id])
        replayed, discarded = replaying.result(), discarding.result()

    assert replayed.closed == [reject_id]
    assert (discarded.closed, discarded.not_open) == ([], {reject_id: "replayed"})
    assert rows("select id from jobs") == [(101,)]
