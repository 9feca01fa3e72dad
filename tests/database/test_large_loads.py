"""Large loads have the same outcome as small ones: rows, rejects and constraints."""

import csv
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from shared import tables
from shared.database.engine import transaction
from shared.database.metadata import metadata
from shared.loading import fast_paths, waiting
from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.tables import Integer, Reference, Row, Table
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
    where contype in ('p', 'f') and connamespace = 'public'::regnamespace
    union all
    select indexname, indexdef, true from pg_indexes where schemaname = 'public'
    union all
    select table_name || column_name, coalesce(column_default, 'none'), true
    from information_schema.columns where table_schema = 'public'
    order by 1, 2
"""
INDEXES = """
    select relname, pg_class.oid from pg_class join pg_index on indexrelid = pg_class.oid
    where indrelid = cast(:table as regclass) order by relname
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

    def act(text, size_bytes=LARGE, number=1, table=HIRES):
        source = Source(
            f"gs://u/{number}", "file", table.name, NOON, sender="acme", size_bytes=size_bytes
        )

        def validated(*, numbered=True):
            return blocks(table, io.BytesIO(text.encode()), 1 << 20, numbered=numbered)

        entry = load(engine, source, validated)
        list(waiting.release_after(engine, entry))
        return entry

    return act


@pytest.fixture
def bulk_loads(monkeypatch):
    """How many rows each bulk load copied; None if it was rolled back."""
    found, original = [], fast_paths.bulk_load

    def bulk_load(*arguments):
        found.append(original(*arguments))
        return found[-1]

    monkeypatch.setattr(fast_paths, "bulk_load", bulk_load)
    return found


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
    ("text", "counts", "copied"),
    [
        (GOOD, Counts(inserted=499), 499),
        (GOOD + BAD + ODD, Counts(inserted=501, rejected=4), 501),
        (BAD, Counts(rejected=4), 0),
        (GOOD + GOOD, Counts(inserted=499, superseded=499), None),
        (GOOD + BAD + "900,x,2021-01-01T00:00:00Z,7,1\n", Counts(499, waiting=1, rejected=4), None),
    ],
    ids=["good", "mixed", "bad", "doubled", "orphan"],
)
def test_a_large_load_has_the_same_outcome_as_a_small_one(
    parents, drop, state, engine, bulk_loads, text, counts, copied
):
    assert drop(text, size_bytes=1).counts == counts
    assert bulk_loads == []
    small = state()
    with transaction(engine) as connection:
        connection.exec_driver_sql("truncate hired_employees, loads, rejected_rows")

    assert drop(text).counts == counts
    assert bulk_loads == [copied]
    assert state() == small


def test_a_file_may_have_its_columns_in_any_order(parents, drop, state, engine, bulk_loads):
    backwards = io.StringIO()
    csv.writer(backwards).writerows(
        row[::-1] for row in [list(HIRES.names), *csv.reader(io.StringIO(GOOD + ODD))]
    )
    outcomes = []
    for text, size in ((GOOD + ODD, 1), (backwards.getvalue(), 1), (backwards.getvalue(), LARGE)):
        assert drop(text, size_bytes=size).counts == Counts(inserted=501)
        outcomes.append(state())
        with transaction(engine) as connection:
            connection.exec_driver_sql("truncate hired_employees, loads, rejected_rows")

    assert outcomes == [outcomes[0]] * 3
    assert bulk_loads == [501]


@pytest.mark.parametrize("table", ["departments", "jobs"])
def test_a_table_that_others_refer_to_is_bulk_loaded_too(drop, rows, bulk_loads, table):
    before = rows(CONSTRAINTS)
    text = "".join(f"{number},Text {number}\n" for number in range(1, 500))

    assert drop(text, table=tables.find(table)).counts == Counts(inserted=499)

    assert bulk_loads == [499]
    assert rows(f"select count(distinct id), min(accepted_at) from {table}") == [(499, NOON)]
    assert rows(CONSTRAINTS) == before


@pytest.mark.parametrize(
    ("table", "text", "kept"),
    [("hired_employees", GOOD, []), ("jobs", "1,Welder\n", ["jobs_pkey"])],
)
def test_a_bulk_load_creates_indexes_again_unless_other_tables_need_them(
    parents, drop, rows, engine, bulk_loads, table, text, kept
):
    with transaction(engine) as connection:
        connection.exec_driver_sql("delete from jobs" if table == "jobs" else "select 1")
    before = rows(INDEXES, table=table)

    drop(text, table=tables.find(table))

    assert bulk_loads != [None]
    after = rows(INDEXES, table=table)
    assert [name for name, _ in after] == [name for name, _ in before]
    assert [name for name, oid in after if (name, oid) in before] == kept


def test_a_table_created_after_a_bulk_load_has_its_constraints(parents, drop, bulk_loads):
    drop(GOOD)

    assert bulk_loads == [499]
    created = str(CreateTable(metadata().tables["hired_employees"]))
    assert (created.count("PRIMARY KEY"), created.count("FOREIGN KEY")) == (1, 2)


def test_a_large_load_into_a_table_with_rows_updates_them(parents, drop, rows, bulk_loads):
    drop("1,Old,2021-01-01T00:00:00Z,1,1\n", size_bytes=1)

    assert drop(GOOD, number=2).counts == Counts(inserted=498, updated=1)
    assert bulk_loads == []


@pytest.mark.parametrize("missing", ["departments", "jobs"])
def test_a_large_load_without_any_parent_waits_and_locks_no_one_out(
    parents, drop, engine, bulk_loads, missing
):
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"delete from {missing}")

    assert drop(GOOD).counts == Counts(waiting=499)
    assert bulk_loads == []


def test_a_file_is_large_from_a_megabyte_on(parents, drop, engine, bulk_loads):
    assert drop(GOOD, size_bytes=2**20 - 1).counts == Counts(inserted=499)
    assert bulk_loads == []
    with transaction(engine) as connection:
        connection.exec_driver_sql("truncate hired_employees")

    assert drop(GOOD, size_bytes=2**20, number=2).counts == Counts(inserted=499)
    assert bulk_loads == [499]


class Part(Row):
    """A part, and the part it belongs to."""

    id = Integer(minimum=1)
    whole_id = Integer(minimum=1)


@pytest.mark.parametrize(
    "table",
    [
        Table("parts", Part, on_conflict="reject"),
        Table("parts", Part, references=(Reference("whole_id", "parts"),)),
    ],
    ids=["keeps what it has", "refers to itself"],
)
def test_some_tables_are_never_bulk_loaded(engine, table):
    with transaction(engine) as connection:
        connection.exec_driver_sql("create table parts (id bigint primary key, whole_id bigint)")

        assert fast_paths.can_bulk_load(connection, Table("parts", Part), LARGE)
        assert not fast_paths.can_bulk_load(connection, table, LARGE)


def test_a_row_that_comes_in_just_before_a_large_load_has_the_table_is_kept(
    parents, drop, rows, uncommitted, until_blocked, bulk_loads
):
    insert = (
        f"insert into hired_employees values (9999, 'theirs', '{NOON}', 1, 1, '{NOON}',"
        " gen_random_uuid())"
    )
    with uncommitted(insert) as other, ThreadPoolExecutor() as pool:
        loading = pool.submit(drop, GOOD)
        until_blocked()

        other.commit()

    assert loading.result().counts == Counts(inserted=499)
    assert bulk_loads == [None]
    assert rows("select count(*) from hired_employees") == [(500,)]


@pytest.mark.parametrize(
    ("sql", "counts", "copied"),
    [
        ("select from departments", Counts(inserted=499), 499),
        ("delete from departments where id = 1", Counts(waiting=499), None),
    ],
    ids=["reads", "changes"],
)
def test_a_large_load_that_waits_for_a_parent_table_holds_none_that_others_may_want_meanwhile(
    parents, drop, engine, uncommitted, until_blocked, bulk_loads, sql, counts, copied
):
    with uncommitted(sql) as other, ThreadPoolExecutor() as pool:
        loading = pool.submit(drop, GOOD)
        until_blocked()

        with transaction(engine, lock_timeout_seconds=1) as third:
            third.exec_driver_sql("lock table hired_employees, jobs in share mode")
        other.commit()

    assert loading.result().counts == counts
    assert bulk_loads == [copied]


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
