"""revenue_by_status: orders of a year by status, with what they brought."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from shared.metrics.metric import AsOf, Count, Metric


class RevenueOfStatus(msgspec.Struct, frozen=True):
    """Orders of a year with one status."""

    status: str
    orders: Count
    revenue: Decimal


class RevenueByStatus(msgspec.Struct, frozen=True):
    """Orders of a year by status."""

    year: int
    as_of: AsOf
    rows: list[RevenueOfStatus]


METRIC = Metric(
    name="revenue_by_status",
    title="Revenue by status",
    summary="Orders and revenue of a year by status",
    counts=("orders", "refunds"),
    document=RevenueByStatus,
    example=RevenueByStatus(
        year=2021,
        as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        rows=[RevenueOfStatus("paid", 3, Decimal("120.50"))],
    ),
    measures=("orders",),
)
