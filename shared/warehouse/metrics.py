"""Computes metrics from the tables of the warehouse."""

from collections.abc import Mapping
from typing import Any

from shared.metrics.metric import Metric
from shared.warehouse.bigquery import Warehouse


def ask(
    warehouse: Warehouse, metric: Metric, values: Mapping[str, int], maximum_bytes_billed: int
) -> Any:
    """Query a metric for some values of its parameters; returns its document.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: more bytes than allowed would be scanned.
    """
    found = warehouse.query(
        warehouse.names.resolved(metric.sql),
        {name: ("INT64", value) for name, value in values.items()},
        maximum_bytes_billed=maximum_bytes_billed,
    )
    return metric.answer(values, found)
