"""Unique fields beyond the key: of rows with the same values one is stored, whoever races."""

import io
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from uuid import uuid4

import msgspec
import pytest

from shared import tables
from shared.database.migrate import migrate
from shared.errors import ConfigurationError, DatabaseBusy
from shared.loading import fast_paths
from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.tables import Integer, Reference, Row, Table, Text
from shared.validation.csv_rows import blocks
from shared.validation.json_batch import check


class Order(Row):
    """An order, perhaps with a coupon, which is used once in a currency."""

    id = Integer()
    currency = Text()
    coupon = Text(optional=True)
    note = Text(optional=True)


class Badge(Row):
    """A badge of a person: its number and its colour and place are its own."""

    person = Integer()
    number = Integer()
    colour = Text(optional=True)
    place = Integer(optional=True)


class Customer(Row):
    """A customer."""

    id = Integer()


class Account(Row):
    """An account of a customer."""

    id = Integer()
    customer_id = Integer()
    email = Text()


ORDERS = Table("orders", Order, unique=(("currency", "coupon"),))
BADGES = Table("badges", Badge, key=("person",), unique=(("number",), ("colour", "place")))
ORDER_ROWS = "select id, currency, coupon from orders order by id"
REJECTS = "select position, reason from rejected_rows order by position"


@pytest.fixture
def orders(add):
    """Loads CSV into orders."""
    return add(ORDERS)


@pytest.fixture
def badges(add):
    """Loads CSV into badges."""
    return add(BADGES)


@pytest.fixture
def send(engine):
    """Load a batch of orders."""

    def act(*given):
        source = Source(str(uuid4()), "batch", "orders", datetime.now(UTC))
        names = ("id", "currency", "coupon")
        rows = [dict(zip(names, row, strict=True)) for row in given]
        verdict = check(ORDERS, msgspec.json.encode({"rows": rows}))
        return load(engine, source, lambda: [verdict.block(ORDERS)], lock_timeout_seconds=9).counts

    return act


@pytest.fixture
def drop_large(engine):
    """Load CSV text into orders as a file of a gigabyte."""

    def act(text):
        source = Source("gs://u/large", "file", "orders", datetime.now(UTC), size_bytes=1 << 30)

        def validated(*, numbered=True):
            return blocks(ORDERS, io.BytesIO(text.encode()), 1 << 20, numbered=numbered)

        return load(engine, source, validated).counts

    return act


def test_a_row_with_the_unique_values_of_another_key_is_rejected(orders, rows):
    assert orders("1,EUR,a,\n2,USD,a,\n") == Counts(inserted=2)

    assert orders("3,EUR,a,\n4,EUR,b,\n") == Counts(inserted=1, rejected=1)

    assert rows(ORDER_ROWS) == [(1, "EUR", "a"), (2, "USD", "a"), (4, "EUR", "b")]
    assert rows("select raw, reason, errors, status from rejected_rows") == [
        (
            {"id": 3, "currency": "EUR", "coupon": "a", "note": None},
            "not_unique",
            [
                {
                    "field": "currency",
                    "code": "not_unique",
                    "facts": {"fields": "currency, coupon"},
                }
            ],
            "rejected",
        )
    ]


def test_null_in_a_field_makes_a_row_unique(orders, rows):
    assert orders("1,EUR,,\n2,EUR,,\n") == Counts(inserted=2)
    assert orders("3,EUR,,\n2,EUR,,x\n") == Counts(inserted=1, updated=1)


def test_the_first_position_of_a_load_wins(orders, rows):
    assert orders("9,EUR,a,\n1,EUR,a,\n5,EUR,a,\n6,EUR,b,\n") == Counts(inserted=2, rejected=2)

    assert rows(ORDER_ROWS) == [(6, "EUR", "b"), (9, "EUR", "a")]
    assert rows(REJECTS) == [(2, "not_unique"), (3, "not_unique")]


def test_an_update_to_the_values_of_another_row_is_rejected_and_its_row_stays(orders, rows):
    orders("1,EUR,a,\n2,EUR,b,\n")

    assert orders("1,EUR,a,new\n2,EUR,a,new\n") == Counts(updated=1, rejected=1)

    assert rows("select id, coupon, note from orders order by id") == [
        (1, "a", "new"),
        (2, "b", None),
    ]
    assert rows("select key from row_versions") == [({"id": 1},)]


def test_rows_of_a_load_may_take_the_values_that_others_give_up(orders, rows):
    orders("1,EUR,a,\n2,EUR,b,\n3,EUR,c,\n4,EUR,d,\n")

    # 1 and 2 trade theirs, a new row gets that of 3, and one comes before the row that gives up d.
    counts = orders("1,EUR,b,\n2,EUR,a,\n3,EUR,,\n5,EUR,c,\n6,EUR,d,\n4,EUR,e,\n")

    assert counts == Counts(updated=4, inserted=2)
    assert rows("select id, coupon from orders order by id") == [
        *((1, "b"), (2, "a"), (3, None), (4, "e"), (5, "c"), (6, "d"))
    ]


def test_a_row_does_not_get_values_whose_owner_could_not_change(orders, rows):
    orders("1,EUR,a,\n2,EUR,b,\n3,EUR,c,\n9,EUR,z,\n")

    # 1 cannot get z, so it keeps a; then 2 keeps b and 3 keeps c.
    assert orders("3,EUR,b,\n2,EUR,a,\n1,EUR,z,\n") == Counts(rejected=3)

    assert rows("select id, coupon from orders order by id") == [
        *((1, "a"), (2, "b"), (3, "c"), (9, "z"))
    ]


def test_of_rows_in_a_long_chain_each_takes_the_values_of_the_next(orders, rows):
    orders("".join(f"{n},EUR,{n},\n" for n in range(1, 31)) + "50,EUR,50,\n60,EUR,60,\n")
    shifted = "".join(f"{n},EUR,{n + 1},\n" for n in range(1, 30))
    trade = "50,EUR,60,\n60,EUR,50,\n"

    # The last one cannot change, so none before it can; there are too many to find out which
    # values are given up all the same.
    assert orders(shifted + trade) == Counts(rejected=31)
    assert orders(shifted + trade + "30,EUR,31,\n") == Counts(updated=32)

    assert rows("select coupon from orders where id in (1, 30, 50) order by id") == [
        *(("2",), ("31",), ("60",))
    ]


def test_no_mixture_of_rows_breaks_a_load(badges, rows):
    chance = random.Random(1)
    for _ in range(25):
        lines = [
            ",".join(
                (
                    str(chance.randint(1, 30)),
                    str(chance.randint(1, 40)),
                    chance.choice(("red", "blue", "")),
                    str(chance.randint(1, 15)),
                )
            )
            for _ in range(chance.randint(1, 20))
        ]

        assert badges("\n".join(lines) + "\n").read == len(lines)

    assert rows("select count(*) - count(distinct number) from badges") == [(0,)]
    assert rows("select count(*) filter (where rejected > 0) > 9 from loads") == [(True,)]


@pytest.mark.parametrize("is_large", [False, True])
def test_values_that_are_too_long_for_an_index_reject_their_row_alone(
    orders, send, drop_large, rows, is_large
):
    drop = drop_large if is_large else orders
    chance = random.Random(1)
    long = "".join(chr(chance.randint(0x4E00, 0x9FFF)) for _ in range(1000))

    assert drop(f"1,EUR,{long},\n2,EUR,{'x' * 1000},\n") == Counts(inserted=1, rejected=1)
    assert send((3, "EUR", long), (4, "EUR", "b")) == Counts(inserted=1, rejected=1)

    assert rows("select id from orders order by id") == [(2,), (4,)]
    assert rows("select distinct errors from rejected_rows") == [
        (
            [
                {
                    "field": "currency",
                    "code": "unique_too_long",
                    "facts": {"fields": "currency, coupon"},
                }
            ],
        )
    ]


def test_rows_that_are_not_stored_take_no_values(add, engine, drop, rows):
    add(ORDERS)
    drop("orders", "1,EUR,a,\n2,EUR,b,\n", minute=5)

    # Older than what is stored, or the same.
    late = drop("orders", "1,EUR,c,\n2,EUR,b,\n3,EUR,c,\n", minute=1)

    assert late.counts == Counts(superseded=1, unchanged=1, inserted=1)
    assert rows("select id, coupon from orders order by id") == [(1, "a"), (2, "b"), (3, "c")]


def test_every_constraint_that_a_row_breaks_is_named(badges, rows):
    badges("1,10,red,1\n2,20,red,2\n")

    counts = badges("3,10,red,2\n4,30,red,1\n5,10,blue,7\n6,60,blue,7\n7,60,,7\n")

    # Row 5 is not stored, so 6 may have blue 7; then 7 comes too late for 60.
    assert counts == Counts(inserted=1, rejected=4)
    assert rows("select person from badges order by 1") == [(1,), (2,), (6,)]
    found = rows("select position, errors from rejected_rows order by position")
    assert [(position, [e["facts"]["fields"] for e in errors]) for position, errors in found] == [
        (1, ["number", "colour, place"]),
        (2, ["colour, place"]),
        (3, ["number"]),
        (5, ["number"]),
    ]


def test_a_table_that_rejects_conflicts_keeps_its_unique_values(add, rows):
    drop = add(Table("orders", Order, unique=(("currency", "coupon"),), on_conflict="reject"))
    drop("1,EUR,a,\n")

    # Row 1 may not change, so a is not free.
    assert drop("1,EUR,b,\n2,EUR,a,\n3,EUR,b,\n") == Counts(inserted=1, rejected=2)

    assert rows(REJECTS) == [(1, "conflict"), (2, "not_unique")]


@pytest.mark.parametrize("doubled", [False, True])
def test_a_large_file_for_an_empty_table_is_checked(orders, drop_large, rows, monkeypatch, doubled):
    copied, bulk_load = [], fast_paths.bulk_load

    def seen(*given):
        copied.append(bulk_load(*given))
        return copied[-1]

    monkeypatch.setattr(fast_paths, "bulk_load", seen)
    lines = [f"{n},EUR,c{n},\n" for n in range(1, 2000)]
    lines += ["3000,EUR,c7,\n"] * doubled

    counts = drop_large("".join(lines))

    assert counts == Counts(inserted=1999, rejected=int(doubled))
    assert copied == [None if doubled else 1999]
    assert rows(
        "select pg_get_constraintdef(oid) from pg_constraint where contype = 'u'"
        " and conrelid = 'orders'::regclass"
    ) == [("UNIQUE (currency, coupon) DEFERRABLE",)]


def test_a_batch_is_checked_though_it_is_copied_straight_into_its_table(orders, send, rows):
    assert send((1, "EUR", "a"), (2, "EUR", None)) == Counts(inserted=2)
    assert send((3, "EUR", "b"), (4, "EUR", "b")) == Counts(inserted=1, rejected=1)
    assert send((5, "EUR", "a")) == Counts(rejected=1)
    assert send((1, "EUR", "c"), (6, "EUR", "a")) == Counts(updated=1, inserted=1)

    assert rows("select id, coupon from orders order by id") == [
        *((1, "c"), (2, None), (3, "b"), (6, "a"))
    ]


def test_of_two_batches_with_the_same_values_at_the_same_time_one_is_stored(
    orders, send, rows, engine
):
    for number in range(10):
        first, barrier = 100 * number, Barrier(2)

        def race(start, values, barrier=barrier):
            barrier.wait()
            return send(*((start + n, "EUR", value) for n, value in enumerate(values)))

        values = [f"v{number}", f"w{number}", f"x{number}"]
        with ThreadPoolExecutor(2) as pool:
            # In opposite orders: each could have what the other one waits for.
            racing = [
                pool.submit(race, first + 1, values),
                pool.submit(race, first + 11, values[::-1]),
            ]
            counts = [one.result() for one in racing]

        assert sorted(counts, key=lambda one: one.rejected) == [
            Counts(inserted=3),
            Counts(rejected=3),
        ]
    assert rows("select count(*), count(distinct coupon) from orders") == [(30, 30)]


def test_of_two_files_with_the_same_values_at_the_same_time_one_is_stored(orders, rows):
    orders("1,EUR,a,\n2,EUR,b,\n")
    for number in range(5):
        barrier = Barrier(2)

        def race(text, barrier=barrier):
            barrier.wait()
            return orders(text)

        with ThreadPoolExecutor(2) as pool:
            # One updates two rows, the other one adds two.
            update = pool.submit(race, f"1,EUR,n{number},\n2,EUR,m{number},\n")
            new = pool.submit(race, f"{10 + number},EUR,m{number},\n{20 + number},EUR,n{number},\n")
            counts = update.result(), new.result()

        assert counts in [
            (Counts(updated=2), Counts(rejected=2)),
            (Counts(rejected=2), Counts(inserted=2)),
        ]
    assert rows("select count(*) - count(distinct coupon) from orders") == [(0,)]


def test_a_load_waits_for_another_one_that_has_its_values(
    orders, send, rows, engine, until_blocked
):
    insert = "insert into orders values (9, 'EUR', 'a', null, now(), gen_random_uuid())"
    with ThreadPoolExecutor() as pool, engine.connect() as other:
        # An operator's session, which knows nothing of loads.
        other.exec_driver_sql(insert)
        waiting = pool.submit(send, (1, "EUR", "a"), (2, "EUR", "b"))
        until_blocked()
        other.commit()
        counts = waiting.result()

    assert counts == Counts(inserted=1, rejected=1)
    assert rows("select id from orders order by id") == [(2,), (9,)]


def test_values_that_an_operators_session_takes_late_make_a_load_try_again(
    orders, rows, engine, until_blocked
):
    insert = "insert into orders values (9, 'EUR', 'a', null, now(), gen_random_uuid())"
    with ThreadPoolExecutor() as pool, engine.connect() as other:
        other.exec_driver_sql(insert)
        waiting = pool.submit(orders, "1,EUR,a,\n")
        until_blocked()
        other.commit()
        with pytest.raises(DatabaseBusy, match="orders_currency_coupon_key"):
            waiting.result()

    assert rows("select count(*) from loads") == [(0,)]


def test_a_waiting_row_whose_values_were_taken_becomes_a_reject(add, rows):
    customers = add(Table("customers", Customer))
    reference = Reference("customer_id", "customers")
    accounts = add(Table("accounts", Account, references=(reference,), unique=(("email",),)))
    assert accounts("1,7,a@x\n2,7,b@x\n3,7,c@x\n") == Counts(waiting=3)
    assert accounts("4,7,b@x\n") == Counts(waiting=1)
    customers("8\n")
    assert accounts("5,8,a@x\n") == Counts(inserted=1)

    assert customers("7\n") == Counts(inserted=1)

    assert rows("select id, email from accounts order by id") == [
        *((2, "b@x"), (3, "c@x"), (5, "a@x"))
    ]
    ledger = (
        "select rows_read, inserted, waiting, rejected from loads where table_name = 'accounts'"
    )
    assert rows(f"{ledger} order by accepted_at") == [(3, 2, 0, 1), (1, 0, 0, 1), (1, 1, 0, 0)]
    assert rows(
        "select raw ->> 'id', status, reason from rejected_rows where status <> 'loaded' order by 1"
    ) == [("1", "rejected", "not_unique"), ("4", "rejected", "not_unique")]


def test_unique_fields_are_added_to_a_table_with_rows(add, engine, rows):
    drop = add(Table("orders", Order))
    drop("1,EUR,a,\n2,EUR,b,\n3,EUR,,\n4,EUR,,\n")

    tables.all_tables()["orders"] = ORDERS
    migrate(engine)
    migrate(engine)

    assert drop("5,EUR,a,\n6,EUR,,\n") == Counts(inserted=1, rejected=1)


def test_unique_fields_that_stored_rows_break_are_refused_with_examples(add, engine, rows):
    drop = add(Table("orders", Order))
    drop("1,EUR,a,\n2,EUR,b,\n3,EUR,a,\n4,EUR,,\n5,EUR,,\n6,EUR,c,\n")
    before = rows("select count(*) from pg_constraint")

    tables.all_tables()["orders"] = ORDERS
    with pytest.raises(ConfigurationError) as caught:
        migrate(engine)

    assert "currency, coupon is to be unique" in str(caught.value)
    assert "there are 2 rows (id: 1, 3) with the values of another" in str(caught.value)
    assert rows("select count(*) from pg_constraint") == before
