"""Rows of an append-only table come back from a backup under their load and position."""

from uuid import UUID

import pytest

from shared.backups.errors import UnusableBackup
from shared.tables import Integer, Row, Table, Text
from tests.backups.rows import LOAD_ID, NOON, counts, file

COLUMNS = "device bigint not null, what text"
OWN = "accepted_at timestamptz not null, load_id uuid not null, position bigint not null"
OTHER = "00000000-0000-4000-8000-000000000002"
ROWS = "select position, device, what from events order by load_id, position"


class Event(Row):
    """An event of a device."""

    device = Integer(minimum=1)
    what = Text(optional=True)


class Reading(Row):
    """A reading of a device."""

    device = Integer(minimum=1)
    value = Integer()


EVENTS = Table("events", Event, key=())
READINGS = Table("readings", Reading, key=())


@pytest.fixture
def events(database):
    """A thousand events of one load, and one of another."""
    database.ask(f"create table events ({COLUMNS}, {OWN}, primary key (load_id, position))")
    database.ask(
        "insert into events select n % 3 + 1, case when n % 2 = 0 then 'on' end,"
        f" timestamptz '{NOON}', '{LOAD_ID}', n from generate_series(0, 999) n"
    )
    database.ask(f"insert into events values (1, 'on', timestamptz '{NOON}', '{OTHER}', 0)")
    yield
    database.ask("drop table events")


@pytest.fixture
def readings(database):
    """Readings, which travel in bulk."""
    database.ask(
        "create table readings (device bigint not null, value bigint not null,"
        f" {OWN}, primary key (load_id, position))"
    )
    database.fill(READINGS, [(n, 7, NOON, LOAD_ID, n) for n in range(5000)])
    yield
    database.ask("drop table readings")


def test_a_backup_brings_back_what_is_missing_or_changed(events, database, backups, restored):
    before = database.rows(EVENTS)
    (manifest,) = backups.back_up([EVENTS], "")
    database.ask(f"delete from events where position < 10 and load_id = '{LOAD_ID}'")
    database.ask("update events set what = 'x' where position between 20 and 24")
    database.ask(f"insert into events values (1, 'on', now(), '{OTHER}', 1)")

    done = restored(EVENTS)

    assert counts(done) == {"inserted": 10, "updated": 5, "deleted": 1, "unchanged": 986}
    assert done.changes["deleted"].examples == [{"load_id": UUID(OTHER), "position": 1}]
    assert database.rows(EVENTS) == before
    assert backups.verify(manifest).is_verified


def test_rows_without_nulls_come_back_too(readings, database, backups, restored):
    before = database.rows(READINGS)
    backups.back_up([READINGS], "")
    database.ask("delete from readings where position > 2000")

    assert counts(restored(READINGS)) == {"inserted": 2999, "unchanged": 2001}

    assert database.rows(READINGS) == before


def test_the_rows_of_a_file_made_elsewhere_are_numbered(events, database, restored, upload):
    fields = {"device": "long", "what": "string"}
    rows = [(1, "a"), (2, "b"), (3, "c")]

    done = restored(EVENTS, upload(file(fields, rows)), mode="merge")

    assert counts(done) == {"inserted": 3}
    stored = "select position, device, what from events where load_id = :load order by position"
    assert database.ask(stored, load=str(done.load_id)) == [
        *((0, 1, "a"), (1, 2, "b"), (2, 3, "c"))
    ]


def test_a_file_made_elsewhere_may_say_which_rows_it_has(events, database, restored, upload):
    fields = {
        "device": "long",
        "what": ["null", "string"],
        "load_id": "string",
        "position": ["null", "long"],
    }
    rows = [(9, "new", OTHER, 0), (8, None, OTHER, 7), (7, None, OTHER, None)]

    done = restored(EVENTS, upload(file(fields, rows)), mode="merge")

    assert counts(done) == {"inserted": 2, "updated": 1}
    found = f"select position, device, what from events where load_id = '{OTHER}' order by 1"
    assert database.ask(found) == [(0, 9, "new"), (2, 7, None), (7, 8, None)]


def test_a_file_that_repeats_a_position_is_refused(events, restored, upload):
    fields = {"device": "long", "load_id": "string", "position": "long"}

    with pytest.raises(UnusableBackup, match="1 keys occur more than once"):
        restored(EVENTS, upload(file(fields, [(1, OTHER, 5), (2, OTHER, 5)])), mode="merge")


def test_a_row_that_breaks_a_rule_is_shown_whole(events, restored, upload):
    with pytest.raises(UnusableBackup) as caught:
        restored(EVENTS, upload(file({"device": "long", "what": "string"}, [(0, "a")])))

    (example,) = caught.value.facts["examples"]
    assert example["key"] == {"device": 0, "what": "a"}
