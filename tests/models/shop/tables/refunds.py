"""refunds: what customers got back."""

from shared.tables import Choice, Decimal, Integer, Reference, Row, Table, Timestamp


class Refund(Row):
    """Money for a line of an order, or for a whole order."""

    id = Integer(description="Id of the refund", minimum=1)
    order_id = Integer(description="Id of the order")
    line = Integer(description="The line; without one it is for the order", optional=True)
    amount = Decimal(description="Sum, negative", digits=12, places=2, maximum="-0.01")
    reason = Choice(description="Why", of=("damaged", "late, too late", "unwanted"), optional=True)
    refunded_at = Timestamp(description="When it was paid back")


TABLE = Table(
    name="refunds",
    schema=Refund,
    references=(Reference("order_id", "orders"), Reference(("order_id", "line"), "order_items")),
)
