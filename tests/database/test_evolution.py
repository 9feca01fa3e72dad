"""Tables change with the dictionary; the release before works on them, too, and can come back."""

import io
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from shared import tables
from shared.database.migrate import drop, migrate
from shared.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable
from shared.loading import waiting
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.tables import Integer, Reference, Row, Table, Text
from shared.validation.csv_rows import blocks
from tests.support.checkout import ROOT


class Customer(Row):
    """A customer."""

    id = Integer()


def orders(*, key=("id",), references=(), removed=(), **fields):
    """The table of orders, with an id and these fields."""
    schema = type("Order", (Row,), {"__doc__": "An order.", "id": Integer(), **fields})
    return Table("orders", schema, key=key, references=references, removed=removed)


CUSTOMERS = Table("customers", Customer)
TO_CUSTOMERS = (Reference("customer_id", "customers"),)
PLAIN = orders(note=Text(optional=True))


@pytest.fixture
def release(engine):
    """Makes tables the dictionary's, as a release with these has them; migrates if told to."""
    known = tables.all_tables()
    before = dict(known)

    def act(*found, migrates=True):
        known.clear()
        known.update(tables.in_order({**before, **{table.name: table for table in found}}))
        # Another process has other connections, and temporary tables of its own.
        engine.dispose()
        return migrate(engine) if migrates else None

    yield act
    known.clear()
    known.update(before)


@pytest.fixture
def drops(engine):
    """Loads CSV text into a table."""
    numbers = iter(range(1000))

    def act(name, text):
        table = tables.find(name)
        source = Source(f"gs://u/{next(numbers)}", "file", name, datetime.now(UTC))
        entry = load(engine, source, lambda: blocks(table, io.BytesIO(text.encode()), 1 << 20))
        list(waiting.release_after(engine, entry))
        return entry.counts

    return act


def columns(rows):
    return rows(
        "select column_name, is_nullable from information_schema.columns"
        " where table_name = 'orders' order by column_name"
    )


def test_nothing_is_done_twice(release):
    assert release(CUSTOMERS, PLAIN).statements

    again = release(CUSTOMERS, PLAIN)

    assert (again.statements, again.unused) == ([], [])


ADDED = [
    (Text(optional=True), None),
    (Text(default="it's 5% :x"), "it's 5% :x"),
    (Integer(default=7), 7),
]


@pytest.mark.parametrize(("field", "value"), ADDED)
def test_a_field_is_added_and_both_releases_go_on(release, drops, rows, field, value):
    old, new = PLAIN, orders(note=Text(optional=True), added=field)
    release(old)
    drops("orders", "1,a\n")

    release(new)
    release(old, migrates=False)
    assert drops("orders", "2,b\n1,c\n").inserted == 1
    # The release is taken back, and comes again.
    assert release(old).statements == []
    drops("orders", "3,d\n")
    assert release(new).statements == []
    drops("orders", "id,note\n4,e\n")

    assert rows("select id, note, added from orders order by id") == [
        (1, "c", value),
        (2, "b", value),
        (3, "d", value),
        (4, "e", value),
    ]


def test_a_required_field_is_added_to_an_empty_table(release, drops, rows):
    old, new = PLAIN, orders(note=Text(optional=True), amount=Integer())
    release(old)
    release(new)
    drops("orders", "1,a,5\n")

    release(old)
    drops("orders", "2,b\n")

    with pytest.raises(ConfigurationError, match=r"orders: amount is required.* 1 row \(id: 2\)"):
        release(new)


def test_a_required_field_is_refused_with_the_rows_without_it(release, drops, rows):
    release(PLAIN)
    drops("orders", "".join(f"{number},a\n" for number in range(1, 13)))
    before = columns(rows)

    with pytest.raises(ConfigurationError) as caught:
        release(CUSTOMERS, orders(note=Text(), amount=Integer()))

    assert str(caught.value) == (
        "Nothing was changed, because of:\n"
        "orders: amount is new and required, and there are 12 rows (id: 1, 2, 3, 4, 5, 6, 7, 8, 9,"
        " 10, …) without it. Make it optional or give it a default; or add and fill it: alter table"
        ' public."orders" add column "amount" bigint; update public."orders" set "amount" = …'
        ' where "amount" is null;'
    )
    assert columns(rows) == before
    assert rows("select to_regclass('customers')") == [(None,)]


def test_the_statement_of_a_refusal_leads_on(release, drops, engine, rows):
    release(PLAIN)
    drops("orders", "1,a\n")
    with engine.begin() as connection:
        connection.exec_driver_sql('alter table public."orders" add column "amount" bigint')
        connection.exec_driver_sql('update public."orders" set "amount" = 5')

    release(orders(note=Text(optional=True), amount=Integer()))

    assert ("amount", "NO") in columns(rows)


def test_a_field_gets_a_default_where_rows_have_none(release, drops, rows):
    release(PLAIN)
    drops("orders", "1,\n2,b\n")

    release(orders(note=Text(default="none")))

    assert rows("select id, note from orders order by id") == [(1, "none"), (2, "b")]
    assert ("note", "NO") in columns(rows)


def test_a_field_that_rows_lack_cannot_be_required(release, drops, rows):
    release(PLAIN)
    drops("orders", "1,\n2,b\n3,\n")

    with pytest.raises(ConfigurationError, match=r"there are 2 rows \(id: 1, 3\) without it"):
        release(orders(note=Text()))

    drops("orders", "1,a\n3,c\n")
    release(orders(note=Text()))
    with pytest.raises(DatabaseUnavailable, match="migrate"):
        release(PLAIN, migrates=False) or drops("orders", "4,\n")
    release(PLAIN)
    assert drops("orders", "4,\n").inserted == 1


def test_a_removed_field_stays_for_the_release_before(release, drops, engine, rows):
    old = orders(note=Text(), amount=Integer())
    new = orders(note=Text(), removed=("amount",))
    release(old)
    drops("orders", "1,a,5\n")

    assert release(new).unused == ["orders.amount"]
    drops("orders", "2,b\n")
    drops("orders", "id,amount,note\n3,7,c\n1,6,d\n")
    release(old, migrates=False)
    drops("orders", "4,e,8\n")

    assert rows("select id, note, amount from orders order by id") == [
        (1, "d", 5),
        (2, "b", None),
        (3, "c", None),
        (4, "e", 8),
    ]
    with pytest.raises(ConfigurationError, match=r"amount is required.*\(id: 2, 3\)"):
        release(old)

    release(new)
    drop(engine, "orders", "amount")

    assert release(new).unused == []
    with pytest.raises(ConfigurationError, match="cannot be dropped"):
        drop(engine, "orders", "note")


OLD = orders(
    key=("number",),
    references=(Reference("customer", "customers"),),
    id=Integer(optional=True),
    number=Integer(),
    customer=Integer(),
    voucher=Text(optional=True),
)
NEW = orders(
    key=("order_number",),
    references=TO_CUSTOMERS,
    id=Integer(optional=True),
    order_number=Integer(was="number"),
    customer_id=Integer(was="customer"),
    coupon=Text(default="none", was="voucher"),
)


def test_renamed_fields_keep_their_rows_key_and_reference(release, drops, rows):
    release(CUSTOMERS, OLD)
    drops("customers", "1\n2\n")
    drops("orders", "id,number,customer,voucher\n7,1,1,a\n8,2,2,\n9,3,3,x\n")

    release(CUSTOMERS, NEW)
    assert drops("orders", "id,order_number,customer_id,coupon\n7,1,2,b\n,4,1,d\n").updated == 1
    # The file of a sender who does not know.
    assert drops("orders", "Number,Customer,Voucher\n5,1,e\n").inserted == 1

    stored = "select order_number, customer_id, coupon from orders order by order_number"
    both = "select number, customer, voucher from orders order by number"
    assert rows(stored) == [(1, 2, "b"), (2, 2, "none"), (4, 1, "d"), (5, 1, "e")]
    assert rows(both) == rows(stored)

    # The release is taken back.
    for migrates in (False, True):
        release(CUSTOMERS, OLD, migrates=migrates)
        drops("orders", f"number,customer,voucher\n1,1,f\n{6 + migrates},1,g\n")
        assert rows(both) == rows(stored)
    drops("customers", "3\n")
    assert rows(stored) == [
        *((1, 1, "f"), (2, 2, "none"), (3, 3, "x"), (4, 1, "d"), (5, 1, "e"), (6, 1, "g")),
        (7, 1, "g"),
    ]

    # It comes again; the field was optional meanwhile.
    assert release(CUSTOMERS, NEW).statements == [
        'alter table public."orders" alter column "coupon" set not null'
    ]
    drops("orders", "order_number,customer_id\n1,3\n")
    assert rows(both) == rows(stored)
    assert rows(
        "select conname from pg_constraint where contype = 'f' and conname ~ '^orders'"
    ) == [("orders_customer_id_fkey",)]


def test_a_field_that_was_renamed_twice_is_kept_under_its_last_name(release, drops, engine, rows):
    release(orders(voucher=Text()))
    drops("orders", "1,a\n")
    release(orders(coupon=Text(was="voucher")))
    drops("orders", "2,b\n")

    promo = orders(promo=Text(was=("coupon", "voucher")))
    assert release(promo).unused == ["orders.voucher", "orders.coupon"]
    drops("orders", "id,voucher\n3,c\n")
    release(orders(coupon=Text(was="voucher")), migrates=False)
    drops("orders", "id,voucher\n4,d\n")

    assert rows("select id, promo, coupon, voucher from orders order by id") == [
        (1, "a", "a", "a"),
        (2, "b", "b", "b"),
        (3, "c", "c", None),
        (4, "d", "d", None),
    ]
    release(promo)
    drop(engine, "orders", "coupon")
    drop(engine, "orders", "voucher")
    drops("orders", "id,promo\n5,e\n")
    assert release(promo).statements == []
    # One that has not seen the release between them.
    release(orders(other=Text(was=("promo", "coupon"))))
    assert rows("select other from orders where id > 3 order by id") == [("d",), ("e",)]


def test_a_renamed_field_may_be_removed(release, drops, rows):
    release(orders(voucher=Text()))
    release(orders(coupon=Text(was="voucher")))
    drops("orders", "1,a\n")

    release(orders(removed=("coupon", "voucher")))
    drops("orders", "id,coupon\n2,b\n")

    assert rows("select id, coupon, voucher from orders order by id") == [
        (1, "a", "a"),
        (2, None, None),
    ]


def test_two_columns_of_which_one_was_the_other_are_refused(release, drops, rows):
    release(orders(voucher=Text(optional=True)))
    drops("orders", "1,a\n")
    # Without saying that it was renamed.
    release(orders(coupon=Text(optional=True)))

    with pytest.raises(
        ConfigurationError, match=r'update public\."orders" set "coupon" = "voucher"'
    ):
        release(orders(coupon=Text(optional=True, was="voucher")))


class Amount(Integer):
    """A number of so many digits."""

    def __init__(self, *, digits=0, places=0, **options):
        super().__init__(**options)
        self.digits = (digits, places) if digits else ()
        self.postgres_type = f"numeric({digits}, {places})" if digits else "numeric"

    def sqlalchemy_type(self):
        """Numeric."""
        return sa.Numeric(*self.digits)


def types(rows):
    return dict(
        rows(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = 'orders'::regclass and attnum > 0"
        )
    )


def test_numbers_are_widened_and_never_narrowed(release, drops, rows):
    release(orders(amount=Amount(digits=5)))
    drops("orders", "1,99999\n")

    for digits, places in ((7, 2), (9, 2), (9, 2)):
        release(orders(amount=Amount(digits=digits, places=places)))
        assert types(rows)["amount"] == f"numeric({digits},{places})"
    for digits, places in ((8, 2), (9, 3)):
        with pytest.raises(ConfigurationError, match=r"amount is numeric\(9,2\) in the database"):
            release(orders(amount=Amount(digits=digits, places=places)))
    with pytest.raises(ConfigurationError, match=r"alter column \"amount\" type text using"):
        release(orders(amount=Text()))
    release(orders(total=Amount(was="amount")))

    assert (types(rows)["total"], types(rows)["amount"]) == ("numeric", "numeric")
    assert rows("select total, amount from orders") == [(99999, 99999)]


def test_a_number_too_large_for_the_schema_before_is_tried_again(release, drops):
    release(orders(amount=Amount(digits=3)))

    release(orders(amount=Amount(digits=5)), migrates=False)
    with pytest.raises(DatabaseUnavailable, match=r"22003.*migrate"):
        drops("orders", "1,99999\n")

    release(orders(amount=Amount(digits=5)))
    assert drops("orders", "1,99999\n").inserted == 1


def test_a_key_is_never_changed(release, drops, rows):
    release(PLAIN)
    drops("orders", "1,a\n")

    with pytest.raises(ConfigurationError, match="its key is id in the database and note in"):
        release(orders(key=("note",), note=Text()))

    # The operator does it.
    with pytest.raises(ConfigurationError) as caught:
        release(orders(key=("id", "line"), note=Text(optional=True), line=Integer(default=1)))
    statement = str(caught.value).partition("If that is meant: ")[2]
    assert statement == (
        'alter table public."orders" drop constraint "orders_pkey" cascade,'
        ' add primary key ("id", "line");'
    )


def test_a_reference_is_added_unless_rows_lack_their_parents(release, drops, rows):
    old, new = (
        orders(customer_id=Integer(optional=True), references=references)
        for references in ((), TO_CUSTOMERS)
    )
    release(CUSTOMERS, old)
    drops("orders", "1,1\n2,\n3,3\n")
    drops("customers", "1\n")

    with pytest.raises(
        ConfigurationError,
        match=r"customer_id is to refer to customers, and there is 1 row \(id: 3\) without",
    ):
        release(CUSTOMERS, new)

    drops("customers", "3\n")
    release(CUSTOMERS, new)
    assert drops("orders", "4,4\n").waiting == 1
    # The release before knows nothing of it: its row is tried again until the parent is there.
    release(CUSTOMERS, old, migrates=False)
    assert drops("orders", "5,1\n").inserted == 1
    with pytest.raises(DatabaseBusy):
        drops("orders", "6,6\n")
    release(CUSTOMERS, old)
    assert drops("orders", "6,6\n").inserted == 1


def test_a_reference_is_dropped_with_the_waiting_of_its_rows(release, drops, engine, rows):
    fields = {"customer_id": Integer(optional=True), "note": Text(optional=True)}
    old, new = (orders(**fields, references=given) for given in (TO_CUSTOMERS, ()))
    release(CUSTOMERS, old)
    assert drops("orders", "1,1,a\n").waiting == 1

    release(CUSTOMERS, new)
    list(waiting.sweep(engine))
    drops("orders", "2,2,b\n")

    assert rows("select id, customer_id, note from orders order by id") == [
        (1, 1, "a"),
        (2, 2, "b"),
    ]
    release(CUSTOMERS, old, migrates=False)
    assert drops("orders", "3,3,c\n").waiting == 1
    with pytest.raises(ConfigurationError, match=r"\(id: 1, 2\) without a row there"):
        release(CUSTOMERS, old)


def test_a_new_table_may_be_referred_to_by_an_empty_one(release, drops):
    release(orders(customer_id=Integer()))

    release(CUSTOMERS, orders(customer_id=Integer(), references=TO_CUSTOMERS))

    assert drops("orders", "1,1\n").waiting == 1


def test_an_operators_own_foreign_key_stays(release, engine, rows):
    release(PLAIN)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table notes (note text primary key)")
        connection.exec_driver_sql(
            "alter table orders add constraint own foreign key (note) references notes"
        )

    assert release(PLAIN).statements == []


AHEAD = [
    (orders(coupon=Text(was="voucher")), "1,a\n"),
    (orders(voucher=Text(), note=Text(optional=True)), "1,a,b\n"),
    (orders(voucher=Text(optional=True)), "1,\n"),
    (orders(), "1\n"),
]


@pytest.mark.parametrize(("new", "text"), AHEAD)
def test_what_new_code_cannot_store_in_the_schema_before_is_tried_again(release, drops, new, text):
    release(orders(voucher=Text()))

    release(new, migrates=False)
    with pytest.raises(DatabaseUnavailable, match=r"run python -m shared\.database migrate"):
        drops("orders", text)

    release(new)
    assert drops("orders", text).inserted == 1


def test_a_large_file_keeps_the_keys_of_another_release(release, drops, rows):
    keys = (
        "select conname, pg_get_constraintdef(oid) from pg_constraint where contype in ('p', 'f')"
    )
    text = "".join(f"{number},1,{'x' * 900}\n" for number in range(1, 1300))
    old = orders(customer=Integer(), note=Text(), references=(Reference("customer", "customers"),))
    release(CUSTOMERS, old)
    drops("customers", "1\n")
    release(
        CUSTOMERS, orders(customer_id=Integer(was="customer"), note=Text(), references=TO_CUSTOMERS)
    )
    before = rows(f"{keys} and conrelid = 'orders'::regclass order by 1")

    release(CUSTOMERS, old, migrates=False)
    assert drops("orders", text).inserted == 1299

    assert rows(f"{keys} and conrelid = 'orders'::regclass order by 1") == before


def parked(rows):
    return rows("select raw ->> 'id', status, errors -> 0 ->> 'code' from rejected_rows order by 1")


def test_waiting_rows_follow_the_dictionary(release, drops, rows):
    old = orders(
        customer=Integer(),
        note=Text(),
        amount=Integer(),
        references=(Reference("customer", "customers"),),
    )
    release(CUSTOMERS, old)
    assert drops("orders", "1,7,a,1\n2,7,bbb,2\n").waiting == 2

    new = orders(
        customer_id=Integer(was="customer"),
        remark=Text(was="note", max_length=2),
        level=Integer(default=5),
        coupon=Text(optional=True),
        references=TO_CUSTOMERS,
        removed=("amount",),
    )
    release(CUSTOMERS, new)
    drops("orders", "3,8,c,6,x\n4,9,d,,\n")
    drops("customers", "7\n")

    stored = "select id, customer_id, remark, level, coupon from orders order by id"
    assert rows(stored) == [(1, 7, "a", 5, None)]
    assert parked(rows) == [
        ("1", "loaded", "missing_parent"),
        ("2", "rejected", "too_long"),
        ("3", "waiting", "missing_parent"),
        ("4", "waiting", "missing_parent"),
    ]
    ledger = "select inserted, waiting, rejected from loads where table_name = 'orders'"
    assert rows(f"{ledger} order by accepted_at") == [(1, 0, 1), (0, 2, 0)]

    # The release before does not know the names: what it cannot store is kept as a reject.
    release(CUSTOMERS, old, migrates=False)
    drops("customers", "8\n9\n")
    assert rows(stored) == [(1, 7, "a", 5, None)]


def test_the_command_prints_what_it_does_and_what_is_left(database_url, engine):
    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "shared.database", *words],
            cwd=ROOT,
            env={"DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    with engine.begin() as connection:
        connection.exec_driver_sql("alter table departments add column floor bigint not null")
        connection.exec_driver_sql("alter table jobs alter column job type varchar(9)")

    code, out, _ = run("migrate")
    assert (code, out) == (
        0,
        'alter table public."departments" alter column "floor" drop not null;\n'
        'alter table public."jobs" alter column "job" type text;\n'
        "-- No field has departments.floor. When no release needs it any more: "
        "python -m shared.database drop departments.floor\n",
    )
    assert run("drop", "departments.floor") == (0, "", "")
    assert run("migrate") == (0, "", "")
    code, _, error = run("drop", "jobs.job")
    assert (code, "jobs.job cannot be dropped" in error) == (1, True)
    assert run("drop")[0] == run("dropped", "x")[0] == 2

    with engine.begin() as connection:
        connection.exec_driver_sql("alter table jobs alter column job type bigint using 1")
    code, _, error = run("migrate")
    assert (code, "jobs: job is bigint in the database and text" in error) == (1, True)
