"""Batches of new rows are copied straight into their table, with all constraints intact."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal as Number
from uuid import uuid4

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg8000.exceptions import DatabaseError

from shared import tables
from shared.database.copy import copy_in
from shared.database.engine import transaction
from shared.database.migrate import migrate
from shared.database.sql import restore_lock_key
from shared.errors import DatabaseBusy
from shared.loading import fast_paths
from shared.loading.fast_paths import Precheck
from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.tables import Date, Decimal, Reference, Row, Table, Text
from shared.validation.json_batch import check
from shared.validation.rows import Rows

HIRES = tables.find("hired_employees")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STORED = "select id, name, department_id, job_id, accepted_at, load_id from hired_employees"


def hire(number, department=1, job=1, name="Ann"):
    return {
        "id": number,
        "name": name,
        "datetime": "2021-07-27T16:02:08Z",
        "department_id": department,
        "job_id": job,
    }


def send(engine, table, given, minute=0):
    """Load a batch, accepted some minutes after noon; returns its ledger entry."""
    batch_id, accepted_at = uuid4(), NOON + timedelta(minutes=minute)
    source = Source(str(batch_id), "batch", table.name, accepted_at, batch_id=batch_id)
    verdict = check(table, msgspec.json.encode({"rows": given}))
    return load(engine, source, lambda: [verdict.block(table)], lock_timeout_seconds=5)


def values(given):
    """Rows that have just been validated."""
    return check(HIRES, msgspec.json.encode({"rows": given})).block(HIRES).rows


@pytest.fixture
def parents(engine):
    send(engine, tables.find("departments"), [{"id": n, "department": f"D{n}"} for n in (1, 2)])
    send(engine, tables.find("jobs"), [{"id": n, "job": f"J{n}"} for n in (1, 2)])


@pytest.fixture
def prechecks(monkeypatch):
    """The precheck of every load, in order."""
    found, original = [], fast_paths.precheck

    def precheck(*arguments):
        found.append(original(*arguments))
        return found[-1]

    monkeypatch.setattr(fast_paths, "precheck", precheck)
    return found


def test_new_rows_are_not_staged(engine, parents, rows, prechecks, monkeypatch):
    monkeypatch.setattr("shared.loading.load.begin", None)

    entry = send(engine, HIRES, [hire(2), hire(1, name="tab\tand \\N"), hire(3, name="")])

    assert prechecks == [Precheck(repeated=0, orphans=0, known=0, may_skip_checks=True)]
    assert entry.counts == Counts(inserted=2, rejected=1)
    assert rows(f"{STORED} order by id") == [
        (1, "tab\tand \\N", 1, 1, NOON, entry.load_id),
        (2, "Ann", 1, 1, NOON, entry.load_id),
    ]
    assert rows("select position, reason from rejected_rows") == [(2, "blank")]


def test_a_precheck_counts_what_prevents_a_direct_copy(engine, parents):
    send(engine, HIRES, [hire(7), hire(8), hire(20)])
    with transaction(engine) as connection:
        found = fast_paths.precheck(
            connection,
            HIRES,
            values([hire(7), hire(8), hire(9), hire(9), hire(10, department=3, job=4)]),
        )

    assert found == Precheck(repeated=1, orphans=2, known=2, may_skip_checks=True)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    given=st.lists(
        st.builds(
            hire,
            st.integers(1, 6),
            st.integers(1, 3),
            st.integers(1, 2),
            st.sampled_from(["Ann", "Bob"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_both_paths_have_the_same_outcome(engine, parents, rows, monkeypatch, given):
    outcomes = []
    for can_precheck in (fast_paths.can_precheck, lambda _: False):
        with engine.begin() as connection:
            connection.exec_driver_sql("truncate hired_employees, rejected_rows, row_versions")
        with monkeypatch.context() as patch:
            patch.setattr(fast_paths, "can_precheck", can_precheck)
            parts = enumerate((given[:2], given))
            counts = [send(engine, HIRES, part, minute).counts for minute, part in parts]
        outcomes.append(
            (
                counts,
                rows("select id, name, department_id, job_id from hired_employees order by id"),
                rows("select position, raw, errors, status from rejected_rows order by position"),
                rows("select key, row, reason from row_versions order by key, row, reason"),
            )
        )

    assert outcomes[0] == outcomes[1]


def test_parents_cannot_be_deleted_before_the_commit(engine, parents):
    def remove():
        with transaction(engine, lock_timeout_seconds=1) as other:
            other.exec_driver_sql("delete from departments where id = 1")

    source = Source("held", "batch", HIRES.name, NOON)
    with transaction(engine) as connection:
        assert fast_paths.precheck(connection, HIRES, values([hire(1)])).all_new
        with pytest.raises(DatabaseBusy, match="lock timeout"):
            remove()
        assert (
            fast_paths.copy_new(connection, HIRES, source, values([hire(1)]), skip_checks=True) == 1
        )
    with pytest.raises(DatabaseBusy, match="foreign key"):
        remove()


def test_a_copy_with_checks_refuses_an_orphan_and_one_without_leaves_that_to_the_precheck(
    engine, parents
):
    source = Source("orphan", "batch", HIRES.name, NOON)
    orphan = values([hire(1, department=9)])
    with engine.connect() as connection, connection.begin() as begun:
        assert fast_paths.copy_new(connection, HIRES, source, orphan, skip_checks=False) is None
        assert fast_paths.copy_new(connection, HIRES, source, orphan, skip_checks=True) == 1
        begun.rollback()


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda connection: connection.exec_driver_sql("select 1 / 0"), sa.exc.DBAPIError),
        (lambda connection: copy_in(connection, "copy jobs from stdin", [b"x\n"]), DatabaseError),
    ],
    ids=["division by zero", "bad COPY text"],
)
def test_only_a_conflict_is_taken_for_one(engine, act, kind):
    with engine.connect() as connection, connection.begin():
        with pytest.raises(kind):
            fast_paths.try_in_savepoint(connection, lambda: act(connection))

        # The transaction can continue.
        assert connection.scalar(sa.text("select 1")) == 1


def test_foreign_keys_are_checked_again_after_the_copy(engine, parents):
    source = Source("back", "batch", HIRES.name, NOON)
    with pytest.raises(DatabaseBusy, match="foreign key"), transaction(engine) as connection:
        fast_paths.copy_new(connection, HIRES, source, values([hire(1)]), skip_checks=True)
        assert connection.scalar(sa.text("show session_replication_role")) == "origin"
        connection.exec_driver_sql(
            "insert into hired_employees select 2, name, datetime, 99, job_id, accepted_at, load_id"
            " from hired_employees"
        )


def test_parents_are_locked_in_their_order_so_that_two_batches_never_deadlock(
    engine, parents, uncommitted, until_blocked
):
    lock = "select from departments where id = {} for update"
    with engine.begin() as connection:
        # Now the first lies behind the second, in the order that PostgreSQL reads without being
        # asked.
        connection.exec_driver_sql(
            "update departments set department = 'D' where id = 1;analyze departments"
        )
    with ThreadPoolExecutor() as pool, uncommitted(lock.format(1)) as other:
        loading = pool.submit(send, engine, HIRES, [hire(1, 2), hire(2, 1)])
        until_blocked()

        with uncommitted(f"{lock.format(2)} nowait"):
            pass
        other.rollback()

    assert loading.result().counts == Counts(inserted=2)


def test_new_rows_are_copied_in_the_order_of_their_keys_so_that_two_batches_never_deadlock(
    engine, parents, uncommitted, until_blocked
):
    insert = (
        f"insert into hired_employees values ({{}}, 'theirs', '{NOON}', 1, 1, '{NOON}',"
        " gen_random_uuid())"
    )
    try_to_restore = sa.text(f"select pg_try_advisory_xact_lock({restore_lock_key(HIRES.name)})")
    with ThreadPoolExecutor() as pool, uncommitted(insert.format(1)) as other:
        loading = pool.submit(send, engine, HIRES, [hire(2), hire(1)])
        until_blocked()

        with uncommitted(f"set local lock_timeout = '1s';{insert.format(2)}") as third:
            # A restore would read rows that are only half of a load.
            assert third.scalar(try_to_restore) is False
        other.rollback()

    assert loading.result().counts == Counts(inserted=2)


def test_a_key_inserted_after_the_precheck_is_merged(engine, parents, rows, monkeypatch):
    original = fast_paths.precheck

    def precheck(*arguments):
        found = original(*arguments)
        monkeypatch.setattr(fast_paths, "precheck", original)
        send(engine, HIRES, [hire(2, name="Other")])
        return found

    monkeypatch.setattr(fast_paths, "precheck", precheck)
    entry = send(engine, HIRES, [hire(1), hire(2)])

    assert entry.counts.inserted == 1
    assert entry.counts.updated + entry.counts.superseded == 1
    assert len(rows(STORED)) == 2


def test_an_operators_own_triggers_fire_for_each_row(engine, parents, own_trigger, rows, prechecks):
    assert send(engine, HIRES, [hire(1), hire(2)]).counts == Counts(inserted=2)

    assert [one.may_skip_checks for one in prechecks] == [False]
    assert rows("select id from seen order by id") == [(1,), (2,)]


def test_an_operators_own_foreign_keys_are_enforced(engine, parents, rows, prechecks):
    with engine.begin() as connection:
        connection.exec_driver_sql("create table names (name text primary key)")
        connection.exec_driver_sql("insert into names values ('Ann')")
        connection.exec_driver_sql(
            "alter table hired_employees add foreign key (name) references names"
        )

    assert send(engine, HIRES, [hire(1)]).counts == Counts(inserted=1)
    with pytest.raises(DatabaseBusy, match="foreign key"):
        send(engine, HIRES, [hire(2, name="Bob")])

    assert [one.may_skip_checks for one in prechecks] == [False, False]
    assert rows("select id from hired_employees") == [(1,)]


def test_a_role_that_cannot_skip_checks_copies_directly_with_each_row_checked(
    as_writer, parents, rows, prechecks, monkeypatch
):
    monkeypatch.setattr("shared.loading.load.begin", None)

    assert send(as_writer, HIRES, [hire(1), hire(2)]).counts == Counts(inserted=2)

    assert prechecks == [Precheck(repeated=0, orphans=0, known=0, may_skip_checks=False)]
    assert rows("select id from hired_employees order by id") == [(1,), (2,)]


class City(Row):
    """A city, with its code as key."""

    code = Text()
    name = Text()


class Flight(Row):
    """A flight to a city."""

    number = Text()
    city = Text()


def test_keys_may_be_text(engine, prechecks):
    cities = Table("cities", City, key=("code",))
    flights = Table(
        "flights", Flight, key=("number",), references=(Reference("city", "cities", "code"),)
    )
    given = ['a"b', "c\\d", "e,f", "{g}", "NULL", "ü"]
    with engine.begin() as connection:
        connection.exec_driver_sql("create table cities (code text primary key, name text)")
        connection.exec_driver_sql(
            "create table flights (number text primary key, city text references cities)"
        )
        for code in given:
            connection.execute(sa.text("insert into cities values (:code, '')"), {"code": code})
        found = fast_paths.precheck(connection, cities, Rows(cities, range(6), [given, given]))
        assert (found.repeated, found.orphans, found.known) == (0, 0, 6)
        found = fast_paths.precheck(
            connection, flights, Rows(flights, range(7), [[*given, "x"], [*given, "y"]])
        )
        assert (found.repeated, found.orphans, found.known) == (0, 1, 0)


class Priced(Row):
    """A price of a day."""

    price = Decimal(digits=10, places=2)
    day = Date()


@pytest.mark.parametrize("key", ["price", "day"])
def test_a_key_may_come_as_it_was_sent_and_as_the_rules_made_it(engine, rows, prechecks, key):
    table = Table("prices", Priced, key=(key,))
    known = tables.all_tables()
    known[table.name] = table
    try:
        migrate(engine)
        # Of the first and the last only the rules know that they are good.
        given = [
            {"price": "3.5000", "day": "2024-02-29"},
            {"price": "1.25", "day": "2021-03-01"},
            {"price": 12, "day": "2021-01-31"},
            {"price": "-7.00000", "day": "2020-02-29"},
        ]
        first = send(engine, table, given)
        again = send(engine, table, given, minute=1)
    finally:
        del known[table.name]

    assert (first.counts, again.counts) == (Counts(inserted=4), Counts(unchanged=4))
    assert [one.all_new for one in prechecks] == [True, False]
    assert rows("select price, day::text from prices order by price") == [
        (Number("-7.00"), "2020-02-29"),
        (Number("1.25"), "2021-03-01"),
        (Number("3.50"), "2024-02-29"),
        (Number("12.00"), "2021-01-31"),
    ]
