"""coupons: what customers pay less with."""

from shared.tables import Date, Decimal, Row, Table, Text


class Coupon(Row):
    """A coupon."""

    code = Text(description="What is printed on it", pattern="[A-Z0-9-]{4,12}", example="MAY-10")
    percent = Decimal(
        description="Share of the sum that it saves",
        digits=5,
        places=2,
        minimum="0.01",
        maximum=100,
    )
    valid_until = Date(description="The last day; without one it is always valid", optional=True)


TABLE = Table("coupons", Coupon, key=("code",))
