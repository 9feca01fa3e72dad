"""Routes of restore_table."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.api.backup_table import TABLE, Count
from shared.http.descriptions import Answer, Body
from shared.http.routes import Route


class Restore(msgspec.Struct, forbid_unknown_fields=True):
    """What to restore, and how: a `backup` or a `uri`, not both."""

    backup: Annotated[
        str | None, Meta(description="A backup's id, or `latest`: the newest that is verified.")
    ] = None
    uri: Annotated[
        str | None,
        Meta(
            description="An Avro file in the backups bucket that was made elsewhere, such as "
            "BigQuery's export of the table: `gs://bucket/object`."
        ),
    ] = None
    mode: Annotated[
        Literal["replace", "merge"],
        Meta(
            description="`replace`: the table is the backup afterwards. `merge`: rows that the "
            "backup does not have stay as they are."
        ),
    ] = "replace"
    dry_run: Annotated[bool, Meta(description="Only say what would change.")] = False


class RowsChanged(msgspec.Struct):
    """Rows that change in one way."""

    count: Count
    examples: Annotated[
        list[dict[str, Any]], Meta(description="The keys of the first ten of them.")
    ]


class Restored(msgspec.Struct):
    """What a restore did, or with `dry_run` would do."""

    table: str
    uri: str
    backup: Annotated[str | None, Meta(description="Its id; null for a file made elsewhere.")]
    mode: Literal["replace", "merge"]
    dry_run: bool
    load_id: Annotated[
        UUID | None, Meta(description="Its entry in the ledger; null after a dry run.")
    ]
    rows: Annotated[int, Meta(description="How many the backup has.", ge=0)]
    inserted: RowsChanged
    updated: RowsChanged
    deleted: RowsChanged
    unchanged: RowsChanged


_EXAMPLE = Restored(
    table="jobs",
    uri="gs://tablegate-backups/jobs/20260102T020000.123456Z-5f3a9c1e7b20.avro",
    backup="5f3a9c1e7b20",
    mode="replace",
    dry_run=False,
    load_id=UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10"),
    rows=183,
    inserted=RowsChanged(1, [{"id": 7}]),
    updated=RowsChanged(0, []),
    deleted=RowsChanged(1, [{"id": 184}]),
    unchanged=RowsChanged(182, [{"id": 1}, {"id": 2}]),
)

RESTORE = Route(
    "POST",
    "/<table_name>",
    scope="backups",
    summary="Restore a table",
    description="Stages the backup, checks it whole, compares it with the table and changes what "
    "differs, in one transaction or not at all. Loads of the table wait meanwhile; readers see it "
    "as it was or as it is afterwards. BigQuery follows.",
    parameters=(TABLE,),
    body=Body(
        "What to restore.",
        Restore,
        {
            "the latest backup": {"backup": "latest"},
            "see what would change": {"backup": "5f3a9c1e7b20", "dry_run": True},
            "a file made elsewhere": {
                "uri": "gs://tablegate-backups/exports/jobs.avro",
                "mode": "merge",
            },
        },
    ),
    answers=(Answer(200, "What was, or would be, changed.", Restored, _EXAMPLE),),
    problems={
        400: ("unusable-uri",),
        404: ("unknown-table", "unknown-backup"),
        409: ("rows-without-parent",),
        422: (
            *("damaged-backup", "wrong-schema", "bad-rows", "doubled-keys"),
            *("not-avro", "truncated", "too-large", "unknown-codec"),
        ),
    },
)

ROUTES = (RESTORE,)
