"""A caller that waits for its batch gets the entry as soon as it is stored, or none in time."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared import tables
from shared.database.engine import transaction
from shared.loading import ledger
from shared.loading.idempotency import KeyReused, claim_key, find_entry, wait_for_entry
from shared.loading.ledger import Counts, Source

JOBS, DEPARTMENTS = tables.find("jobs"), tables.find("departments")


@pytest.fixture
def store(engine):
    """Enter a load of a batch in the ledger."""

    def act(batch_id):
        source = Source(str(batch_id), "batch", "jobs", datetime.now(UTC), batch_id=batch_id)
        with transaction(engine) as connection:
            ledger.claim(connection, source)
            ledger.complete(connection, batch_id, Counts(inserted=3))

    return act


def test_a_stored_batch_is_found_without_waiting(engine, store):
    batch_id = uuid4()
    assert find_entry(engine, batch_id) is None
    store(batch_id)

    found = wait_for_entry(engine, batch_id, 20, sleep=lambda _: pytest.fail("it slept"))

    assert found.counts == Counts(inserted=3)
    assert find_entry(engine, batch_id) == found


def test_a_batch_that_is_stored_meanwhile_is_found_soon(engine, store):
    batch_id, pauses = uuid4(), []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 4:
            store(batch_id)

    found = wait_for_entry(engine, batch_id, 0.9, sleep)

    assert found.load_id == batch_id
    assert len(pauses) == 4
    # Most batches are stored within some milliseconds.
    assert 0 < sum(pauses) < 0.1


def test_pauses_grow_so_that_a_long_wait_is_cheap(engine, store):
    batch_id, pauses = uuid4(), []

    def sleep(seconds):
        pauses.append(seconds)
        if sum(pauses) > 10:
            store(batch_id)

    assert wait_for_entry(engine, batch_id, 30, sleep) is not None
    assert len(pauses) < 100
    assert max(pauses) < 1


def test_a_batch_that_is_not_stored_in_time_is_none(engine):
    started = time.monotonic()

    assert wait_for_entry(engine, uuid4(), 0.3) is None
    assert 0.3 <= time.monotonic() - started < 3
    assert wait_for_entry(engine, uuid4(), 0, sleep=lambda _: pytest.fail("it slept")) is None


def test_a_key_names_the_same_batch_for_its_sender_and_body_only(engine):
    first = claim_key(engine, "ann", "k", JOBS, b"1")
    again = claim_key(engine, "ann", "k", JOBS, b"1")

    assert (first.repeated, again.repeated) == (False, True)
    assert (first.batch_id, first.accepted_at) == (again.batch_id, again.accepted_at)
    for table, body in ((JOBS, b"2"), (DEPARTMENTS, b"1")):
        with pytest.raises(KeyReused, match="with a new key"):
            claim_key(engine, "ann", "k", table, body)
    others = [claim_key(engine, "bob", "k", JOBS, b"1"), claim_key(engine, "ann", "l", JOBS, b"1")]
    assert len({first.batch_id, *(one.batch_id for one in others)}) == 3
    assert [one.repeated for one in others] == [False, False]
