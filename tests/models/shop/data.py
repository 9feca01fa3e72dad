"""What a shop sends: orders before their customers, money with two places, refunds."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from tests.models.model import Answer, Batch, Difference, Model

SHOP = Model(
    folder=Path(__file__).parent,
    children=(
        (
            "orders-march.csv",
            "id,Customer ID,ordered_on,status,total,currency,coupon,paid_at\n"
            "1,1,2021-03-01,open,19.90,EUR,,\n"
            "2,1,2021-03-02,paid,100,,MAY-10,2021-03-02T10:00:00+01:00\n"
            "3,2,2021-12-31,sent,-0.5,CHF,,2022-01-01T00:00:00Z\n"
            "4,9,2022-01-01,open,9999999999.99,,,\n"
            "5,1,2021-02-30,lost,1.005,EURO,,yesterday\n"
            "6,1,2021-01-01,open,1.00,EUR,,2021-01-01T00:00:00Z\n"
            "7,1,2021-01-01,paid,10000000000.00,EUR,,2021-01-01T00:00:00Z\n",
        ),
        (
            "order_items.csv",
            "1,1,A-1,2,9.95,0\n"
            "2,1,A-1,,100.0000,10.00\n"
            '2,2,"B ""x"", 7",3,0.3333,\n'
            "2,1000,A-1,1,1,0\n"
            "3,1,A-1,1,1.5,2\n",
        ),
    ),
    batch=Batch(
        "refunds",
        (
            {
                "id": 1,
                "order_id": 2,
                "line": 2,
                "amount": "-0.33",
                "reason": "late, too late",
                "refunded_at": "2021-03-05T00:00:00Z",
            },
            {"id": 2, "order_id": 1, "amount": -9.95, "refunded_at": "2021-03-06T00:00:00+05:30"},
            {"id": 3, "order_id": 1, "amount": "0", "refunded_at": "2021-03-06T00:00:00Z"},
        ),
        accepted=2,
    ),
    waiting=9,
    parents=(
        ("coupons.csv", "MAY-10,10,2021-05-31\nfree,0,\n"),
        (
            "customers.csv",
            "1,Ann Lee,ann@example.com,1990-02-28\n2,Bo,bo@example.com,\n3,Cy,nowhere,1899-12-31\n",
        ),
    ),
    # The customer of an order never comes.
    still_waiting=1,
    rejects=(
        ("coupons", "code", "wrong_pattern"),
        ("coupons", "percent", "decimal_out_of_range"),
        ("customers", "born_on", "date_out_of_range"),
        ("customers", "email", "wrong_pattern"),
        ("order_items", "_row", "check_failed"),
        ("order_items", "line", "out_of_range"),
        ("orders", "_row", "check_failed"),
        ("orders", "currency", "wrong_pattern"),
        ("orders", "ordered_on", "not_a_date"),
        ("orders", "paid_at", "not_a_timestamp"),
        ("orders", "status", "not_a_choice"),
        ("orders", "total", "decimal_out_of_range"),
        ("orders", "total", "too_many_places"),
        ("refunds", "amount", "decimal_out_of_range"),
    ),
    stored={
        "customers": (
            "id, name, email, born_on",
            [
                (1, "Ann Lee", "ann@example.com", date(1990, 2, 28)),
                (2, "Bo", "bo@example.com", None),
            ],
        ),
        "coupons": (
            "code, percent, valid_until",
            [("MAY-10", Decimal("10.00"), date(2021, 5, 31))],
        ),
        "orders": (
            "id, customer_id, ordered_on, status, total, currency, coupon, paid_at",
            [
                (1, 1, date(2021, 3, 1), "open", Decimal("19.90"), "EUR", None, None),
                (
                    *(2, 1, date(2021, 3, 2), "paid", Decimal("100.00"), "USD", "MAY-10"),
                    datetime(2021, 3, 2, 9, tzinfo=UTC),
                ),
                (
                    *(3, 2, date(2021, 12, 31), "sent", Decimal("-0.50"), "CHF", None),
                    datetime(2022, 1, 1, tzinfo=UTC),
                ),
            ],
        ),
        "order_items": (
            "order_id, line, article, quantity, price, saved",
            [
                (1, 1, "A-1", 2, Decimal("9.9500"), Decimal("0.00")),
                (2, 1, "A-1", 1, Decimal("100.0000"), Decimal("10.00")),
                (2, 2, 'B "x", 7', 3, Decimal("0.3333"), Decimal("0.00")),
            ],
        ),
        "refunds": (
            "id, order_id, line, amount, reason, refunded_at",
            [
                (1, 2, 2, Decimal("-0.33"), "late, too late", datetime(2021, 3, 5, tzinfo=UTC)),
                (2, 1, None, Decimal("-9.95"), None, datetime(2021, 3, 5, 18, 30, tzinfo=UTC)),
            ],
        ),
    },
    row=Answer(
        "/read_rows/order_items/2,2",
        {
            "order_id": 2,
            "line": 2,
            "article": 'B "x", 7',
            "quantity": 3,
            "price": "0.3333",
            "saved": "0.00",
        },
    ),
    metric=Answer(
        "/revenue_by_status?year=2021",
        [
            {"status": "open", "orders": 1, "revenue": "9.95"},
            {"status": "paid", "orders": 1, "revenue": "99.67"},
            {"status": "sent", "orders": 1, "revenue": "-0.5"},
        ],
    ),
    csv="status,orders,revenue\r\nopen,1,9.95\r\npaid,1,99.67\r\nsent,1,-0.5\r\n",
    damage=(
        "delete from refunds where id = 1",
        "delete from order_items where line = 2",
        "update orders set total = 0, coupon = null where id = 2",
        "insert into customers select 8, name, email, born_on, accepted_at, load_id from customers"
        " where id = 2",
    ),
    restored=(2, 1, 1),
    differences={
        "orders": Difference(
            "update `{dataset}.fact_orders` set total = 100.01 where id = 2", {"id": 2}, ("total",)
        ),
        "order_items": Difference(
            "update `{dataset}.order_items` set price = 0.3334 where line = 2",
            {"order_id": 2, "line": 2},
            ("price",),
        ),
    },
)
