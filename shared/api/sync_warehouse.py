"""Routes of sync_warehouse."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from shared.http.descriptions import Answer, Body
from shared.http.routes import PUSH, Route

MOST_LISTED = 100

Count = Annotated[int, Meta(ge=0)]


class Reconcile(msgspec.Struct, forbid_unknown_fields=True):
    """What to compare."""

    repair: Annotated[
        bool, Meta(description="Whether to refresh those rows of BigQuery that differ.")
    ] = False
    table: Annotated[str | None, Meta(description="One table; all where none is named.")] = None


class RowsOnBothSides(msgspec.Struct):
    """How many rows there are."""

    postgres: Count
    bigquery: Count


class RowDifference(msgspec.Struct):
    """A row that is not the same on both sides."""

    kind: Literal["missing", "extra", "changed", "repeated"]
    key: dict[str, Any]
    fields: Annotated[list[str], Meta(description="Of a changed row, which fields differ.")]


class TableReconciled(msgspec.Struct):
    """What was found of a table."""

    table: str
    rows: RowsOnBothSides
    agrees: Annotated[bool, Meta(description="Whether both sides were the same when compared.")]
    repaired: Annotated[
        bool, Meta(description="Whether they were not, were refreshed, and are the same now.")
    ]
    buckets: Annotated[
        Count, Meta(description="How many buckets of rows, by the hash of their key, differ.")
    ]
    missing: Annotated[
        Count | None,
        Meta(
            description="Rows that BigQuery has not; null, like the next three, where so many rows "
            "differ that they were not told apart."
        ),
    ]
    extra: Annotated[Count | None, Meta(description="Rows that only BigQuery has.")]
    changed: Annotated[Count | None, Meta(description="Rows that are another in BigQuery.")]
    repeated: Annotated[Count | None, Meta(description="Rows that BigQuery has more than once.")]
    differences: Annotated[
        list[RowDifference], Meta(description=f"The first {MOST_LISTED} of them.")
    ]


class Reconciled(msgspec.Struct):
    """How BigQuery compares with PostgreSQL."""

    agrees: Annotated[
        bool, Meta(description="Whether all tables are the same now, those repaired too.")
    ]
    tables: list[TableReconciled]


_EXAMPLE = Reconciled(
    True,
    [
        TableReconciled(
            table="jobs",
            rows=RowsOnBothSides(183, 182),
            agrees=False,
            repaired=True,
            buckets=2,
            missing=1,
            extra=0,
            changed=1,
            repeated=0,
            differences=[
                RowDifference("changed", {"id": 7}, ["job"]),
                RowDifference("missing", {"id": 42}, []),
            ],
        )
    ],
)

SYNC = Route("POST", "/", scope=PUSH, summary="Bring what has changed to BigQuery")

RECONCILE = Route(
    "POST",
    "/reconcile",
    # An operator's call, looking too: it reads every row on both sides.
    scope="backups",
    scheduled=True,
    summary="Compare BigQuery with PostgreSQL, and mend it",
    description="Brings what is pending, then compares each table: count and checksum, computed "
    "inside both databases, and row by row only where those differ. With `repair` the rows that "
    "differ are refreshed, and compared again. A difference is logged as an error with the label "
    "`alert=warehouse-differs`.",
    body=Body(
        "What to compare; everything where there is no body.",
        Reconcile,
        {"look at all": {}, "mend one table": {"repair": True, "table": "jobs"}},
        required=False,
    ),
    answers=(Answer(200, "What was found, and what was mended.", Reconciled, _EXAMPLE),),
    problems={404: ("unknown-table",)},
)

ROUTES = (SYNC, RECONCILE)
