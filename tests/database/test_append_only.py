"""Append-only tables: every row that is sent is stored, once, under its load and position."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from uuid import uuid4

import msgspec
import pytest

from shared import stored_rows, tables
from shared.api import api_docs
from shared.database.migrate import migrate
from shared.errors import ConfigurationError
from shared.loading import waiting
from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.stored_rows import Range, key_text, parse_key
from shared.tables import Integer, Reference, Row, Table, Text
from shared.validation.csv_rows import blocks
from shared.validation.json_batch import check


class Device(Row):
    """A device."""

    id = Integer()


class Event(Row):
    """An event of a device."""

    device_id = Integer()
    what = Text()


EVENTS = Table("events", Event, key=(), references=(Reference("device_id", "devices"),))
ROWS = "select position, device_id, what from events order by accepted_at, position"


@pytest.fixture
def devices(add):
    """Loads CSV into devices; 1 and 2 are stored."""
    drop = add(Table("devices", Device))
    drop("1\n2\n")
    return drop


@pytest.fixture
def events(add, devices):
    """Loads CSV into the append-only table events."""
    return add(EVENTS)


@pytest.fixture
def drop(engine):
    """Load CSV text into events as a file with this content."""

    def act(identity, text, content, **options):
        source = Source(identity, "file", "events", datetime.now(UTC), content=content, **options)

        def validated(*, numbered=True):
            return blocks(EVENTS, io.BytesIO(text.encode()), 1 << 20, numbered=numbered)

        entry = load(engine, source, validated)
        list(waiting.release_after(engine, entry))
        return entry

    return act


def test_every_row_is_stored_however_often_its_values_occur(events, rows):
    assert events("1,on\n1,on\n2,off\n") == Counts(inserted=3)
    assert events("1,on\n,off\n2,on\n") == Counts(inserted=2, rejected=1)

    assert rows(ROWS) == [(1, 1, "on"), (2, 1, "on"), (3, 2, "off"), (1, 1, "on"), (3, 2, "on")]
    assert rows("select count(*) from row_versions") == [(0,)]
    assert rows(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'events_pkey'"
    ) == [('PRIMARY KEY (load_id, "position")',)]


def test_a_batch_is_stored_once_however_often_it_is_delivered(events, engine, rows):
    source = Source(str(uuid4()), "batch", "events", datetime.now(UTC))
    given = [{"device_id": 1, "what": "on"}, {"device_id": 1, "what": "on"}]
    verdict = check(EVENTS, msgspec.json.encode({"rows": given}))

    found = [load(engine, source, lambda: [verdict.block(EVENTS)]) for _ in range(2)]

    assert [one.counts for one in found] == [Counts(inserted=2)] * 2
    assert rows(ROWS) == [(0, 1, "on"), (1, 1, "on")]


def test_a_file_of_the_same_bytes_is_the_same_delivery(events, drop, rows):
    text = "1,on\n,off\n2,off\n"
    first = drop("gs://u/a#1", text, "bytes", size_bytes=1 << 30)
    again = drop("gs://u/b#2", text, "bytes", size_bytes=1 << 30)

    assert first.counts == Counts(inserted=2, rejected=1)
    assert again.counts == Counts(unchanged=2, rejected=1)
    assert again.repeats == first.load_id
    assert len(rows(ROWS)) == 2

    meant = drop("gs://u/c#3", text, "bytes", newest=True)
    assert meant.counts == Counts(inserted=2, rejected=1)
    assert len(rows(ROWS)) == 4


def test_a_file_whose_rows_are_gone_is_loaded_again(events, drop, engine, rows):
    drop("gs://u/a#1", "1,on\n", "bytes")
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from events")

    assert drop("gs://u/b#2", "1,on\n", "bytes").counts == Counts(inserted=1)
    assert drop("gs://u/c#3", "1,on\n", "bytes").counts == Counts(unchanged=1)
    assert len(rows(ROWS)) == 1


def test_of_two_files_of_the_same_bytes_at_the_same_time_one_is_stored(events, drop, rows):
    barrier = Barrier(2)

    def race(name):
        barrier.wait()
        return drop(f"gs://u/{name}#1", "1,on\n2,on\n", "bytes").counts

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(race, ("a", "b")))

    assert sorted(counts, key=lambda one: one.unchanged) == [
        Counts(inserted=2),
        Counts(unchanged=2),
    ]
    assert len(rows(ROWS)) == 2


def test_a_row_that_waited_has_the_position_that_it_was_sent_in(events, devices, rows):
    assert events("1,a\n7,b\n8,c\n7,d\n") == Counts(inserted=1, waiting=3)

    devices("7\n")

    assert rows(ROWS) == [(1, 1, "a"), (2, 7, "b"), (4, 7, "d")]
    ledger = "select inserted, waiting from loads where table_name = 'events'"
    assert rows(ledger) == [(3, 1)]
    devices("8\n")
    assert rows(ledger) == [(4, 0)]


def test_a_file_whose_rows_wait_is_not_loaded_again(events, devices, drop, rows):
    assert drop("gs://u/a#1", "7,a\n", "bytes").counts == Counts(waiting=1)
    assert drop("gs://u/b#2", "7,a\n", "bytes").counts == Counts(unchanged=1)

    devices("7\n")

    assert rows(ROWS) == [(1, 7, "a")]


def test_an_append_only_table_may_have_unique_fields(add, rows):
    things = add(Table("things", Event, key=(), unique=(("what",),)))

    assert things("1,a\n2,b\n3,a\n") == Counts(inserted=2, rejected=1)
    assert things("1,b\n1,c\n") == Counts(inserted=1, rejected=1)

    assert rows("select device_id, what from things order by what") == [
        *((1, "a"), (2, "b"), (1, "c"))
    ]


def test_a_large_file_for_an_empty_table_keeps_its_positions(events, drop, rows):
    text = "".join(f"1,e{number}\n" for number in range(1, 2001))

    assert drop("gs://u/a#1", text, "x", size_bytes=1 << 30).counts == Counts(inserted=2000)

    assert rows("select count(*), count(distinct position), max(position) from events") == [
        (2000, 2000, 2000)
    ]


def test_its_rows_are_read_page_by_page_and_by_load_and_position(events, engine):
    events("1,a\n1,b\n2,c\n")
    events("1,d\n2,e\n")

    found, after = [], None
    for _ in range(3):
        page = stored_rows.page(engine, EVENTS, Range(), after, 2)
        found += page.rows
        after = parse_key(EVENTS, key_text(EVENTS, page.rows[-1]))

    assert not page.is_followed
    assert sorted(row["what"] for row in found) == ["a", "b", "c", "d", "e"]
    of_first = [row for row in found if row["load_id"] == found[0]["load_id"]]
    assert [row["position"] for row in of_first] == list(range(1, len(of_first) + 1))
    key = parse_key(EVENTS, f"{found[1]['load_id']},2")
    assert stored_rows.find(engine, EVENTS, key) == found[1]
    assert list(stored_rows.rows(engine, EVENTS, Range(key, key))) == [found[1]]


@pytest.mark.parametrize("text", ["", "x,1", "7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10", "1,2,3"])
def test_what_is_no_load_and_position_is_refused(text):
    with pytest.raises(ValueError, match=r"load_id|position"):
        parse_key(EVENTS, text)


def test_the_document_describes_its_stored_rows(events):
    document = api_docs.build()

    row = document["components"]["schemas"]["events_stored"]
    assert row["required"] == ["device_id", "what", "accepted_at", "load_id", "position"]
    assert "position" not in document["components"]["schemas"]["events"]["properties"]
    assert "position" not in document["components"]["schemas"]["devices_stored"]["properties"]


def test_a_table_with_rows_does_not_become_append_only(add, engine):
    add(Table("devices", Device))

    tables.all_tables()["devices"] = Table("devices", Device, key=())
    with pytest.raises(ConfigurationError, match="position"):
        migrate(engine)
