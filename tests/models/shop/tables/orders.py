"""orders: what customers ordered."""

from shared.tables import (
    Check,
    Choice,
    Date,
    Decimal,
    Integer,
    Reference,
    Row,
    Table,
    Text,
    Timestamp,
    Warehouse,
)


class Order(Row):
    """An order of a customer."""

    id = Integer(description="Id of the order", minimum=1)
    customer_id = Integer(description="Who ordered", aliases=("Customer ID",))
    ordered_on = Date(description="Day of the order")
    status = Choice(description="State of the order", of=("open", "paid", "sent"))
    total = Decimal(description="Sum; a refund is negative", digits=12, places=2)
    currency = Text(
        description="ISO 4217 code of the currency",
        pattern="[A-Z]{3}",
        example="USD",
        default="USD",
    )
    coupon = Text(description="Coupon", optional=True)
    paid_at = Timestamp(description="When it was paid", optional=True)


TABLE = Table(
    name="orders",
    schema=Order,
    references=(Reference("customer_id", "customers"), Reference("coupon", "coupons", "code")),
    checks=(
        Check("paid_at is None or status != 'open'", "An order that is paid is not open."),
        Check("paid_at is not None or status == 'open'", "An order that is not paid is open."),
    ),
    warehouse=Warehouse(
        name="fact_orders", partition="ordered_on", cluster=("customer_id", "status")
    ),
)
