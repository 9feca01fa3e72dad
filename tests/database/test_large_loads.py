"""Large loads have the same outcome as small ones: rows, rejects and constraints."""

import io
import threading
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from shared import tables
from shared.database.engine import transaction
from shared.loading import waiting
from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.validation.csv_rows import blocks

HIRES = tables.find("hired_employees")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LARGE = 1 << 30
GOOD = "".join(f"{n},Ada {n},2021-0{n % 9 + 1}-01T00:00:00Z,1,{n % 2 + 1}\n" for n in range(1, 500))
BAD = "501,,2021-01-01T00:00:00Z,1,1\n502,x,2021-01-01,1,1\n503\n504,\x00,never,0,\n"
ODD = (
    '600,"quoted, ""twice""\nlines",2021-01-01T00:00:00+02:00,1,1\n'
    "601,Ünïcode\\,2024-02-29T23:59:59.5Z,1,2\n"
)

CONSTRAINTS = """
    select conname, pg_get_constraintdef(oid), convalidated from pg_constraint
    where conrelid = 'hired_employees'::regclass
    union all
    select indexname, indexdef, true from pg_indexes where tablename = 'hired_employees'
    union all
    select column_name, coalesce(column_default, 'none'), true from information_schema.columns
    where table_name = 'hired_employees'
    order by 1, 2
"""


@pytest.fixture
def parents(engine):
    """The departments and jobs that the hires reference."""
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into departments values (1, 'Sales', now(), gen_random_uuid());"
            "insert into jobs values (1, 'Welder', now(), gen_random_uuid()),"
            " (2, 'Tester', now(), gen_random_uuid())"
        )


@pytest.fixture
def drop(engine):
    """Load text as a file of a given size."""

    def act(text, size_bytes=LARGE, number=1):
        source = Source(
            f"gs://u/{number}", "file", HIRES.name, NOON, sender="acme", size_bytes=size_bytes
        )

        def validated(*, numbered=True):
            return blocks(HIRES, io.BytesIO(text.encode()), 1 << 20, numbered=numbered)

        entry = load(engine, source, validated)
        list(waiting.release_after(engine, entry))
        return entry

    return act


@pytest.fixture
def state(rows):
    """Everything that a load writes."""

    def read():
        return (
            rows("select * from hired_employees order by id"),
            rows(
                "select position, raw, errors, reason, status, sender from rejected_rows order by 1"
            ),
            rows(CONSTRAINTS),
            rows("select rows_read, inserted, superseded, waiting, rejected from loads"),
        )

    return read


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (GOOD, Counts(inserted=499)),
        (GOOD + BAD + ODD, Counts(inserted=501, rejected=4)),
        (BAD, Counts(rejected=4)),
        (GOOD + GOOD, Counts(inserted=499, superseded=499)),
        (GOOD + BAD + "900,x,2021-01-01T00:00:00Z,7,1\n", Counts(499, waiting=1, rejected=4)),
    ],
    ids=["good", "mixed", "bad", "doubled", "orphan"],
)
def test_a_large_load_has_the_same_outcome_as_a_small_one(
    parents, drop, state, engine, text, counts
):
    assert drop(text, size_bytes=1).counts == counts
    small = state()
    with transaction(engine) as connection:
        connection.exec_driver_sql("truncate hired_employees, loads, rejected_rows")

    assert drop(text).counts == counts
    assert state() == small


def test_a_large_load_into_a_table_with_rows_updates_them(parents, drop, rows):
    drop("1,Old,2021-01-01T00:00:00Z,1,1\n", size_bytes=1)

    assert drop(GOOD, number=2).counts == Counts(inserted=498, updated=1)


def test_a_reader_sees_the_table_before_or_after_the_load_and_always_with_its_constraints(
    parents, drop, engine
):
    seen = set()
    done = threading.Event()

    def read():
        while not done.is_set():
            with engine.begin() as connection:
                seen.add(
                    connection.execute(
                        sa.text(
                            "select (select count(*) from hired_employees), (select count(*)"
                            " from pg_constraint where conrelid = 'hired_employees'::regclass"
                            " and contype in ('f', 'p') and convalidated)"
                        )
                    ).one()
                )
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.05)
    drop(GOOD)
    time.sleep(0.05)
    done.set()
    reader.join()

    assert {tuple(found) for found in seen} == {(0, 3), (499, 3)}


def test_other_loads_wait_for_a_large_one_instead_of_failing(parents, drop, engine, rows):
    entries = []

    def small(number):
        text = f"{10_000 + number},Eve,2021-01-01T00:00:00Z,1,1\n"
        entries.append(drop(text, size_bytes=1, number=f"small-{number}"))

    threads = [threading.Thread(target=small, args=(number,)) for number in range(4)]
    threads.insert(2, threading.Thread(target=lambda: entries.append(drop(GOOD))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(entry.counts.inserted for entry in entries) == 503
    assert rows("select count(*) from hired_employees") == [(503,)]
