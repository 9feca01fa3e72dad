"""order_items: the lines of orders."""

from shared.tables import Check, Decimal, Integer, Reference, Row, Table, Text


class OrderItem(Row):
    """A line of an order."""

    order_id = Integer(description="Id of the order")
    line = Integer(description="Number of the line, from 1", minimum=1, maximum=999)
    article = Text(description="Number of the article", max_length=20)
    quantity = Integer(description="How many", minimum=1, default=1)
    price = Decimal(description="Price of one", digits=14, places=4, minimum=0)
    saved = Decimal(description="What the coupon saves", digits=12, places=2, default="0.00")


TABLE = Table(
    name="order_items",
    schema=OrderItem,
    key=("order_id", "line"),
    references=(Reference("order_id", "orders"),),
    checks=(Check("saved <= price or quantity > 1", "A coupon saves more than the price."),),
)
