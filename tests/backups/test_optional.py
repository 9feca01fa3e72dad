"""Rows without values come back from a backup as they were, NULL being NULL."""

import io

import fastavro
import pytest

from shared.backups.errors import UnusableBackup
from shared.tables import Integer, Row, Table, Text, Timestamp
from tests.backups.rows import LOAD_ID, counts, file

COLUMNS = "id bigint primary key, coupon text, amount bigint not null, paid_at timestamptz"


class Order(Row):
    """An order of a customer."""

    id = Integer(minimum=1)
    coupon = Text(optional=True)
    amount = Integer(minimum=1, default=1)
    paid_at = Timestamp(optional=True)


ORDERS = Table("orders", Order)


@pytest.fixture
def orders(database):
    """A thousand orders, many without a coupon, a payment or both."""
    database.ask(
        f"create table orders ({COLUMNS}, accepted_at timestamptz not null, load_id uuid not null)"
    )
    database.ask(
        "insert into orders select n, case when n % 2 = 0 then '\\N ' || n end, n,"
        " case when n % 3 = 0 then timestamptz '2021-01-01 00:00Z' end,"
        f" timestamptz '2026-01-01 12:00Z', '{LOAD_ID}' from generate_series(1, 1000) n"
    )
    yield
    database.ask("drop table orders")


def test_a_backup_brings_back_every_null(orders, database, backups, restored):
    before = database.rows(ORDERS)
    (manifest,) = backups.back_up([ORDERS], "")
    database.ask("delete from orders where id < 100")
    database.ask("update orders set coupon = 'x', paid_at = null where id between 200 and 299")
    database.ask("update orders set coupon = null where id = 500")

    done = counts(restored(ORDERS))

    assert done == {"inserted": 99, "updated": 101, "unchanged": 800}
    assert database.rows(ORDERS) == before
    assert backups.verify(manifest).is_verified


def test_a_file_made_elsewhere_may_lack_or_leave_out_optional_fields(
    orders, database, restored, upload
):
    fields = {"id": "long", "paid_at": ["null", "string"]}

    restored(
        ORDERS,
        upload(file(fields, [(2000, None), (2001, "2021-01-01T00:00:00Z")])),
        mode="merge",
    )

    assert database.ask(
        "select id, coupon, amount, paid_at is null from orders where id >= 2000 order by id"
    ) == [(2000, None, 1, True), (2001, None, 1, False)]


def test_a_file_without_a_value_of_a_required_field_is_refused(orders, restored, upload):
    with pytest.raises(UnusableBackup, match="break the table's rules") as caught:
        restored(ORDERS, upload(file({"id": ["null", "long"]}, [(None,)])))

    assert caught.value.code == "bad_rows"


def test_other_programs_read_its_nulls(orders, backups, content):
    (manifest,) = backups.back_up([ORDERS], "")

    rows = list(fastavro.reader(io.BytesIO(content(manifest.object))))

    assert len(rows) == 1000
    assert sum(row["coupon"] is None for row in rows) == 500
    assert sum(row["paid_at"] is None for row in rows) == 667
