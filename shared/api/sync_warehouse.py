"""Syncs changes to BigQuery, and compares it with PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta

from shared import tables, wiring
from shared.api import examples
from shared.http import bodies
from shared.http.push import PushMessage
from shared.http.responses import json_response
from shared.http.routes import PUSH, Body, Context, ResponseSpec, Route
from shared.warehouse.bigquery import connect
from shared.warehouse.compare import RowDifference
from shared.warehouse.reconcile import Reconciliation, reconcile
from shared.warehouse.sync import Sync

# Under a steady load this adds to BigQuery's lag, and makes everything else faster.
GATHER_SECONDS = 0.5
MOST_LISTED = 100

Count = Annotated[int, Meta(ge=0)]


class Reconcile(msgspec.Struct, forbid_unknown_fields=True):
    """What to compare."""

    repair: Annotated[
        bool, Meta(description="Whether to refresh the rows of BigQuery that differ.")
    ] = False
    table: Annotated[str | None, Meta(description="One table; by default all.")] = None


class RowsOnBothSides(msgspec.Struct):
    """How many rows each side has."""

    postgres: Count
    bigquery: Count


class TableReconciled(msgspec.Struct):
    """How a table in BigQuery compares with PostgreSQL."""

    table: str
    rows: RowsOnBothSides
    agrees: Annotated[bool, Meta(description="Whether both sides were the same when compared.")]
    repaired: Annotated[
        bool, Meta(description="Whether the sides differed, were refreshed, and are the same now.")
    ]
    buckets: Annotated[
        Count, Meta(description="How many buckets of rows, by the hash of their key, differ.")
    ]
    missing: Annotated[
        Count | None,
        Meta(
            description="Rows that BigQuery lacks; null, like the next three, if so many rows "
            "differ that they were not compared one by one."
        ),
    ]
    extra: Annotated[Count | None, Meta(description="Rows that only BigQuery has.")]
    changed: Annotated[Count | None, Meta(description="Rows whose values differ in BigQuery.")]
    repeated: Annotated[Count | None, Meta(description="Rows that BigQuery has more than once.")]
    differences: Annotated[
        list[RowDifference], Meta(description=f"The first {MOST_LISTED} of them.")
    ]


class ObjectDiffers(msgspec.Struct):
    """Something that reports depend on, and that is not as it should be."""

    name: Annotated[str, Meta(description="A table, or a view as `reporting.NAME`.")]
    what: Annotated[str, Meta(description="What differs.")]
    remedy: Annotated[str, Meta(description="What to do.")]
    repaired: Annotated[bool, Meta(description="Whether that was done, with success.")]


class Reconciled(msgspec.Struct):
    """How BigQuery compares with PostgreSQL."""

    agrees: Annotated[
        bool, Meta(description="Whether everything is as it should be now, what was repaired too.")
    ]
    tables: Annotated[
        list[TableReconciled],
        Meta(description="Rows. A table that is missing or has other columns is in `objects`."),
    ]
    objects: Annotated[
        list[ObjectDiffers],
        Meta(
            description="What else differs: columns, views, the calendar `dim_dates`, the copies "
            "of loads and of their rejects. If one table was asked for, only its columns."
        ),
    ]


def sync(context: Context) -> Response:
    """Sync all pending loads, not only the message's: one sync serves many messages."""
    named = "table" in PushMessage.read(context.request).attributes
    _sync().run() if named else _sync().sweep()
    return Response(status=204)


def compare(context: Context) -> Response:
    """Compare BigQuery with PostgreSQL, and repair it if asked to."""
    asked = bodies.read(context.request, Reconcile, may_be_empty=True)
    chosen = None if asked.table is None else [tables.find(asked.table)]
    found = reconcile(_sync(), chosen, repair=asked.repair)
    tables_found = [_table(one) for one in found.tables]
    others = [ObjectDiffers(o.name, o.what, o.remedy, o.repaired) for o in found.objects]
    return json_response(Reconciled(found.agrees, tables_found, others))


def _sync() -> Sync:
    settings = wiring.settings()
    settings.require("staging_bucket")
    return Sync(
        wiring.engine(),
        connect(wiring.bigquery_client(), settings),
        wiring.object_store(),
        settings.staging_bucket,
        GATHER_SECONDS,
    )


def _table(one: Reconciliation) -> TableReconciled:
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
        differences=list((found.differences or ())[:MOST_LISTED]),
    )


_EXAMPLE = Reconciled(
    True,
    [
        TableReconciled(
            table=examples.TABLE,
            rows=RowsOnBothSides(183, 182),
            agrees=False,
            repaired=True,
            buckets=2,
            missing=1,
            extra=0,
            changed=1,
            repeated=0,
            differences=[
                RowDifference("changed", {examples.KEY: 7}, [examples.COLUMN]),
                RowDifference("missing", {examples.KEY: 42}, []),
            ],
        )
    ],
    [
        ObjectDiffers(
            examples.VIEW,
            "Somebody has changed the view's query.",
            "Run python -m shared.warehouse apply, which replaces it.",
            repaired=True,
        )
    ],
)

SYNC = Route("POST", "/", sync, scope=PUSH, summary="Sync what has changed to BigQuery")

RECONCILE = Route(
    "POST",
    "/reconcile",
    compare,
    # For operators only, even without repair: it reads every row on both sides.
    scope="backups",
    is_long=True,
    scheduled=True,
    summary="Compare BigQuery with PostgreSQL, and repair it",
    description="Syncs pending loads, then compares each table: count and checksum, computed "
    "inside both databases, and row by row only if those differ. With `repair` the rows that "
    "differ are refreshed, and compared again. Without a table it also checks what else reports "
    "depend on: columns, views, the calendar, the copies of loads and rejects. A difference is "
    "logged as an error with the label `alert=warehouse-differs`.",
    body=Body(
        "What to compare; without a body, everything.",
        Reconcile,
        {"compare all tables": {}, "repair one table": {"repair": True, "table": examples.TABLE}},
        required=False,
    ),
    responses=(ResponseSpec(200, "The differences, and what was repaired.", Reconciled, _EXAMPLE),),
    problems={404: ("unknown-table",)},
)

ROUTES = {"sync_warehouse": (SYNC, RECONCILE)}
