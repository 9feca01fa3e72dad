"""What reconciling found, as it is answered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Response

from shared.api.sync_warehouse import (
    MOST_LISTED,
    Reconciled,
    RowDifference,
    RowsOnBothSides,
    TableReconciled,
)
from shared.http.answers import json_answer

if TYPE_CHECKING:
    from shared.warehouse import reconcile


def answer(found: "Sequence[reconcile.Reconciliation]") -> Response:
    """200 with what was found of each table."""
    agree = all(one.found.agrees or one.repaired for one in found)
    return json_answer(Reconciled(agree, [_table(one) for one in found]))


def _table(one: "reconcile.Reconciliation") -> TableReconciled:
    found = one.found
    return TableReconciled(
        table=found.projection.table.name,
        rows=RowsOnBothSides(found.postgres_rows, found.bigquery_rows),
        agrees=found.agrees,
        repaired=one.repaired,
        buckets=len(found.buckets),
        missing=found.count("missing"),
        extra=found.count("extra"),
        changed=found.count("changed"),
        repeated=found.count("repeated"),
        differences=[
            RowDifference(difference.kind, dict(difference.key), list(difference.fields))
            for difference in (found.differences or ())[:MOST_LISTED]
        ],
    )
