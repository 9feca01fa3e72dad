"""Rows that wait for a parent are loaded once it is there, whichever load is the last to finish."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared import tables
from shared.database.engine import transaction
from shared.loading import waiting
from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.tables import Integer, Reference, Row, Table, Text
from shared.validation.csv_rows import blocks

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HIRES = tables.find("hired_employees")
HIRE = "{},Ada,2021-01-01T00:00:00Z,{},1\n"


@pytest.fixture
def commit(engine):
    """Load CSV text into a table, and release nothing afterwards."""

    def act(table, text):
        source = Source(f"gs://uploads/{table}-{len(text)}", "file", table, NOON)
        stream = io.BytesIO(text.encode())
        return load(engine, source, lambda: blocks(tables.find(table), stream, 1 << 20))

    return act


@pytest.fixture
def hires(rows):
    """The ids of the stored hires, and of those that wait."""

    def read():
        stored = rows("select id from hired_employees order by id")
        waits = rows(
            "select cast(raw ->> 'id' as int) from rejected_rows"
            " where status = 'waiting' order by 1"
        )
        return [number for (number,) in stored], [number for (number,) in waits]

    return read


@pytest.fixture
def waits(commit):
    """A hire that waits for its department; gives the entry of its load."""
    commit("jobs", "1,Welder\n")
    return commit("hired_employees", HIRE.format(1, 1))


def test_a_load_that_crossed_with_its_parents_releases_its_own_rows(
    commit, engine, hires, uncommitted, until_blocked
):
    commit("jobs", "1,Welder\n")
    commit("departments", "2,Support\n")
    insert = "insert into hired_employees values (2, 'x', now(), 2, 1, now(), gen_random_uuid())"
    with uncommitted(insert) as other, ThreadPoolExecutor() as pool:
        # It has found that row 1 lacks its parent, and now cannot go on to its commit.
        loading = pool.submit(commit, "hired_employees", HIRE.format(1, 1) + HIRE.format(2, 2))
        until_blocked()
        parents = commit("departments", "1,Sales\n")
        assert list(waiting.release_after(engine, parents)) == []
        other.rollback()
    entry = loading.result()
    assert hires() == ([2], [1])

    assert list(waiting.release_after(engine, entry)) == [("hired_employees", entry.load_id)]

    assert hires() == ([1, 2], [])


def test_rows_that_a_load_left_waiting_are_released_by_its_next_delivery(
    commit, engine, waits, hires
):
    parents = commit("departments", "1,Sales\n")
    again = commit("departments", "1,Sales\n")
    assert (parents.first_time, again.first_time) == (True, False)

    assert list(waiting.release_after(engine, again)) == [("hired_employees", waits.load_id)]
    assert hires() == ([1], [])


def test_rejected_rows_of_any_shape_do_not_keep_waiting_ones_from_their_release(
    commit, engine, waits, hires
):
    # Their cells are no integers, which a parent's key would be compared with.
    commit("hired_employees", HIRE.format(2, "x") + "3\n" + HIRE.format(4, "1.5"))
    commit("jobs", "x,y\nz\n")
    commit("departments", "1,Sales\n")

    assert list(waiting.release(engine, HIRES)) == [waits.load_id]
    assert hires() == ([1], [])


def test_a_failed_load_releases_nothing(commit, engine, waits, hires):
    entry = commit("departments", "1,Sales\n")

    for failed in (replace(entry, state="failed"), replace(entry, table_name=None)):
        assert list(waiting.release_after(engine, failed)) == []
    assert hires() == ([], [1])


class Country(Row):
    """A country."""

    id = Integer(minimum=1)


class City(Row):
    """A city in a country."""

    id = Integer(minimum=1)
    country_id = Integer(minimum=1)


class Town(Row):
    """A town in a country, with its name."""

    id = Integer(minimum=1)
    country_id = Integer(minimum=1)
    name = Text()


class Shop(Row):
    """A shop in a city."""

    id = Integer(minimum=1)
    city_id = Integer(minimum=1)


def test_rows_that_waited_for_rows_that_waited_are_released_too(add, rows):
    countries = add(Table("countries", Country))
    cities = add(Table("cities", City, references=(Reference("country_id", "countries"),)))
    shops = add(Table("shops", Shop, references=(Reference("city_id", "cities"),)))
    assert shops("1,1\n2,2\n") == Counts(waiting=2)
    assert cities("1,1\n2,1\n3,2\n") == Counts(waiting=3)

    countries("1\n")

    assert rows("select id from cities order by id") == [(1,), (2,)]
    assert rows("select id from shops order by id") == [(1,), (2,)]
    assert rows("select raw from rejected_rows where status = 'waiting'") == [
        ({"id": 3, "country_id": 2},)
    ]


WAITS, STORED = (1, 0, 0, 0, 0, 1, 0), (1, 1, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("on_conflict", "texts", "first", "second", "kept"),
    [
        ("update", ("1,9,a", "1,9,a"), STORED, (1, 0, 0, 1, 0, 0, 0), "a"),
        ("update", ("1,9,a", "1,9,b"), STORED, (1, 0, 1, 0, 0, 0, 0), "b"),
        ("update", ("1,9,a", "1,8,b"), (1, 0, 0, 0, 1, 0, 0), STORED, "b"),
        ("reject", ("1,9,a", "1,9,a"), STORED, (1, 0, 0, 1, 0, 0, 0), "a"),
        ("reject", ("1,9,a", "1,9,b"), STORED, (1, 0, 0, 0, 0, 0, 1), "a"),
        ("reject", ("1,9,a", "1,8,b"), (1, 0, 0, 0, 0, 0, 1), STORED, "b"),
        ("update", ("1,9,a", "2,7,b"), STORED, WAITS, "a"),
    ],
)
def test_a_released_row_has_the_outcome_that_the_ledger_counts(
    add, rows, engine, on_conflict, texts, first, second, kept
):
    countries = add(Table("countries", Country))
    reference = Reference("country_id", "countries")
    towns = add(Table("towns", Town, references=(reference,), on_conflict=on_conflict))
    countries("8\n")
    for text in texts:
        towns(f"{text}\n")
    with transaction(engine) as connection:
        # Now the first lies behind the second, in the order that PostgreSQL reads without being
        # asked.
        connection.exec_driver_sql(
            "update loads set synced_at = now() where load_id = (select load_id from loads"
            " where table_name = 'towns' order by accepted_at limit 1);analyze"
        )

    countries("9\n")

    assert rows(
        "select rows_read, inserted, updated, unchanged, superseded, waiting, rejected"
        " from loads where table_name = 'towns' order by accepted_at"
    ) == [first, second]
    assert rows("select name from towns") == [(kept,)]


def test_rows_that_another_session_releases_or_closes_are_left_to_it(
    commit, engine, waits, hires, uncommitted
):
    commit("departments", "1,Sales\n")
    hold = "select reject_id from rejected_rows where status = 'waiting' for update"

    with uncommitted(hold):
        assert list(waiting.release(engine, HIRES, lock_timeout_seconds=1)) == []

    assert hires() == ([], [1])
    assert list(waiting.release(engine, HIRES)) == [waits.load_id]
    assert hires() == ([1], [])


def test_a_row_whose_parent_goes_while_it_is_released_waits_again(
    commit, engine, waits, hires, rows, monkeypatch
):
    commit("departments", "1,Sales\n")
    merge_staged = waiting.merge_staged

    def after_the_parent_went(*arguments):
        with transaction(engine) as other:
            other.exec_driver_sql("delete from departments where id = 1")
        return merge_staged(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(waiting, "merge_staged", after_the_parent_went)
        list(waiting.release(engine, HIRES))

    ledger = "select rows_read, inserted, waiting from loads where table_name = 'hired_employees'"
    assert (hires(), rows(ledger)) == (([], [1]), [(1, 0, 1)])

    commit("departments", "1,Sales again\n")
    list(waiting.sweep(engine))
    assert (hires(), rows(ledger)) == (([1], []), [(1, 1, 0)])
