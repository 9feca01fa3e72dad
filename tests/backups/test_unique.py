"""A restore leaves no two rows with the same unique values, and may trade them between rows."""

import pytest

from shared.backups.errors import UnusableBackup
from shared.database.engine import transaction
from shared.tables import Integer, Row, Table, Text
from tests.backups.rows import counts, file

COLUMNS = "id bigint primary key, currency text not null, coupon text"
OWN = "accepted_at timestamptz not null, load_id uuid not null"
FIELDS = {"id": "long", "currency": "string", "coupon": ["null", "string"]}
ROWS = "select id, currency, coupon from orders order by id"


class Order(Row):
    """An order, perhaps with a coupon, which is used once in a currency."""

    id = Integer()
    currency = Text()
    coupon = Text(optional=True)


ORDERS = Table("orders", Order, unique=(("currency", "coupon"),))


@pytest.fixture
def orders(database):
    """Three orders, the last two without a coupon."""
    database.ask(f"create table orders ({COLUMNS}, {OWN}, unique (currency, coupon) deferrable)")
    database.fill(ORDERS, [(1, "EUR", "a"), (2, "EUR", "x"), (3, "EUR", "y")])
    database.ask("update orders set coupon = null where id > 1")
    yield
    database.ask("drop table orders")


def test_a_restore_may_trade_unique_values_between_rows(orders, database, backups, restored):
    database.ask("update orders set coupon = 'b' where id = 2")
    backups.back_up([ORDERS], "")
    before = database.ask(ROWS)
    # Rows that are updated and one that is deleted have the values of the backup's rows.
    for sql in (
        "update orders set coupon = 'c' where id = 1",
        "update orders set coupon = 'a' where id = 2",
        "delete from orders where id = 3",
        "insert into orders select 9, 'EUR', 'b', accepted_at, load_id from orders where id = 1",
    ):
        database.ask(sql)

    assert counts(restored(ORDERS)) == {"inserted": 1, "updated": 2, "deleted": 1}

    assert database.ask(ROWS) == before


@pytest.mark.parametrize("mode", ["replace", "merge"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_file_that_repeats_unique_values_is_refused(
    orders, database, restored, upload, mode, dry_run
):
    rows = [(5, "EUR", "x"), (6, "USD", "x"), (7, "EUR", "x"), (8, "EUR", None), (4, "EUR", None)]

    with pytest.raises(
        UnusableBackup, match="2 rows of the file have the same currency, coupon"
    ) as it:
        restored(ORDERS, upload(file(FIELDS, rows)), mode=mode, dry_run=dry_run)

    assert it.value.code == "not_unique"
    assert it.value.facts == {"count": 2, "examples": [{"id": 5}, {"id": 7}]}
    assert it.value.object_name
    assert len(database.ask(ROWS)) == 3


def test_a_merged_file_may_not_take_values_of_rows_that_stay(orders, database, restored, upload):
    taken = upload(file(FIELDS, [(7, "EUR", "a"), (8, "EUR", "b")]))
    with pytest.raises(UnusableBackup, match="another row of the file or the table") as caught:
        restored(ORDERS, taken, mode="merge")
    assert caught.value.facts == {"count": 1, "examples": [{"id": 7}]}

    given_up = upload(file(FIELDS, [(7, "EUR", "a"), (1, "EUR", "b")]))
    assert counts(restored(ORDERS, given_up, mode="merge")) == {"inserted": 1, "updated": 1}

    assert database.ask(f"{ROWS} desc limit 1") == [(7, "EUR", "a")]


def test_the_constraint_is_checked_again_after_a_restore(
    orders, database, engine, restored, upload
):
    restored(ORDERS, upload(file(FIELDS, [(1, "EUR", "b")])), mode="merge")

    with pytest.raises(Exception, match="orders_currency_coupon_key"), transaction(engine) as other:
        other.exec_driver_sql("update orders set coupon = 'b'")
