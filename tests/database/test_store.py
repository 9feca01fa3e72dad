"""Batches are stored once, what they changed is published, and what can't be stored is kept."""

import json
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared import tables
from shared.loading import store
from shared.loading.batches import Batch
from shared.loading.ledger import Counts
from shared.loading.store import DeadLetter
from shared.settings import read
from shared.validation.json_batch import Verdict

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HIRE = [1, "Ann", NOON, 7, 8]


@pytest.fixture
def settings(topics):
    """Settings of this test's own project."""
    return read({"GOOGLE_CLOUD_PROJECT": os.environ["GOOGLE_CLOUD_PROJECT"]})


@pytest.fixture
def send(engine, publisher, settings):
    """Store a batch of one row; gives its entry."""

    def act(table, row, sender="ann", batch_id=None):
        verdict = Verdict(1, {0: row})
        batch = Batch(batch_id or uuid4(), tables.find(table), sender, NOON, verdict)
        return store.store(engine, publisher, settings, batch)

    return act


@pytest.fixture
def changed(topics):
    """The tables and loads that were published as changed since the last look."""

    def act():
        found = [message.attributes for message in topics("table-changed")]
        assert all(one["kind"] == "load" for one in found)
        return sorted((one["table"], UUID(one["load_id"])) for one in found)

    return act


@pytest.mark.parametrize("sender", ["ann", ""])
def test_the_ledger_names_the_sender_of_a_batch_if_it_has_one(send, rows, sender):
    send("jobs", [1, "Welder"], sender)

    assert rows("select sender, kind from loads") == [(sender or None, "batch")]


def test_every_delivery_publishes_that_the_table_changed_and_only_the_first_changes_it(
    send, changed
):
    batch_id = uuid4()

    first = send("jobs", [1, "Welder"], batch_id=batch_id)
    assert changed() == [("jobs", batch_id)]
    again = send("jobs", [1, "Welder"], batch_id=batch_id)

    # The first may have died before it published.
    assert changed() == [("jobs", batch_id)]
    assert (first.first_time, again.first_time) == (True, False)
    assert first.counts == again.counts == Counts(inserted=1)


def test_the_load_whose_rows_waited_is_published_too(send, changed):
    waits = send("hired_employees", HIRE)
    send("jobs", [8, "Welder"])
    changed()

    parents = send("departments", [7, "Sales"])

    assert changed() == [("departments", parents.load_id), ("hired_employees", waits.load_id)]


def test_the_sweep_publishes_the_loads_that_it_releases(
    send, changed, engine, publisher, settings, rows
):
    waits = send("hired_employees", HIRE)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into departments values (7, 'Sales', now(), gen_random_uuid());"
            "insert into jobs values (8, 'Welder', now(), gen_random_uuid())"
        )
    changed()

    assert store.sweep(engine, publisher, settings) == [waits.load_id]

    assert changed() == [("hired_employees", waits.load_id)]
    assert rows("select id from hired_employees") == [(1,)]
    assert store.sweep(engine, publisher, settings) == []
    assert changed() == []


@pytest.mark.parametrize(
    ("attributes", "source", "sender"),
    [
        ({"batch_id": "b", "sender": "ann"}, "b", "ann"),
        ({"batch_id": "not\x00an id", "sender": "a\x00b"}, "not\u2400an id", "a\u2400b"),
        ({}, "message:17", None),
    ],
)
def test_a_message_that_can_never_be_stored_is_recorded_and_kept_with_the_reason(
    engine, publisher, settings, topics, rows, capfd, attributes, source, sender
):
    started = datetime.now(UTC)
    message = DeadLetter("17", b"\xff", attributes, "MalformedMessage", "It is no\x00batch.")

    store.dead_letter(engine, publisher, settings, message)

    (kept,) = topics("dead-letters")
    reason = {"error": "It is no\x00batch.", "code": "MalformedMessage"}
    assert (kept.data, dict(kept.attributes)) == (b"\xff", {**attributes, **reason})
    ((*found, accepted_at),) = rows("select source, sender, state, error, accepted_at from loads")
    error = {"code": "MalformedMessage", "detail": "It is no\u2400batch."}
    assert found == [source, sender, "failed", error]
    assert started - timedelta(minutes=1) < accepted_at < started + timedelta(minutes=1)
    (line,) = map(json.loads, capfd.readouterr().err.splitlines())
    assert (line["severity"], line["source"], line["code"]) == ("ERROR", source, message.code)


def test_a_message_with_a_very_long_id_is_recorded_too(engine, publisher, settings, rows):
    message = DeadLetter("17", b"", {"batch_id": "x" * 1000}, "MalformedMessage", "No batch.")

    store.dead_letter(engine, publisher, settings, message)

    assert rows("select state from loads where source like 'xxx%' and length(source) < 300") == [
        ("failed",)
    ]
