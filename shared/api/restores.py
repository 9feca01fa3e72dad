"""Restores a backup into its table."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import unquote
from uuid import UUID

import msgspec
from flask import Response
from msgspec import Meta

from shared import logs, tables, wiring
from shared.api.backups import TABLE, as_problems
from shared.backups.catalog import Catalog, Count, Manifest
from shared.backups.errors import UnknownBackup
from shared.backups.restore import RestoreOutcome, RestoreRequest, RowsChanged, restore
from shared.errors import TransientError
from shared.http import bodies
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import Body, Context, ResponseSpec, Route
from shared.loading import waiting
from shared.loading.ledger import Counts, Entry
from shared.messages import publish_change
from shared.tables.table import Table
from shared.warehouse.star import projections

_SCHEME = "gs://"
_MOST_NAME_BYTES = 1024


class Restore(msgspec.Struct, forbid_unknown_fields=True):
    """What to restore, and how: a `backup` or a `uri`, not both."""

    backup: Annotated[
        str | None, Meta(description="A backup's id, or `latest`: the newest verified one.")
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
            description="`replace`: afterwards the table holds exactly the backup's rows. `merge`: "
            "rows that the backup does not have stay unchanged."
        ),
    ] = "replace"
    dry_run: Annotated[bool, Meta(description="Only report what would change.")] = False


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
    rows: Annotated[Count, Meta(description="How many rows the backup has.")]
    inserted: RowsChanged
    updated: RowsChanged
    deleted: RowsChanged
    unchanged: RowsChanged


def restore_table(context: Context) -> Response:
    """Restore a table, publish the change, and load the rows that waited for it."""
    table = tables.find(context.params["table_name"])
    asked = bodies.read(context.request, Restore)
    engine, settings = wiring.engine(), wiring.settings()
    with as_problems():
        order = _order(table, asked, context.sender)
        done = restore(engine, wiring.storage_client(), order, settings.lock_timeout_seconds)
    _follow_up(table, done)
    return json_response(
        Restored(
            table=table.name,
            uri=f"{_SCHEME}{order.stored.bucket}/{order.stored.name}",
            backup=None if order.manifest is None else order.manifest.id,
            mode=order.mode,
            dry_run=order.dry_run,
            load_id=done.load_id,
            rows=done.rows,
            inserted=done.changes["inserted"],
            updated=done.changes["updated"],
            deleted=done.changes["deleted"],
            unchanged=done.changes["unchanged"],
        )
    )


def _order(table: Table, asked: Restore, sender: str) -> RestoreRequest:
    """Return what to restore.

    Raises:
        Problem: 400, the body names neither a backup nor an object of the backups bucket, or both.
        UnknownBackup: there is no such backup.
    """
    client, settings = wiring.storage_client(), wiring.settings()
    settings.require("backups_bucket")
    catalog = Catalog(client, settings.backups_bucket)
    manifest: Manifest | None
    if asked.backup is not None and asked.uri is None:
        manifest = catalog.find(table.name, asked.backup)
        stored = catalog.stored(manifest.object)
    elif asked.uri is not None and asked.backup is None:
        name = _object_name(asked.uri, settings.backups_bucket)
        found = wiring.object_store().find(settings.backups_bucket, name)
        if found is None:
            raise UnknownBackup(f"There is no object {asked.uri!r}; upload it, or name another.")
        stored, neighbour = found, catalog.manifest_of(name)
        # Another table's backup counts as a file made elsewhere.
        manifest = neighbour if neighbour is not None and neighbour.table == table.name else None
    else:
        raise Problem(
            400, "invalid-body", "Name a backup or a uri, and not both; see /openapi.json."
        )
    return RestoreRequest(
        table,
        stored,
        manifest,
        asked.mode,
        asked.dry_run,
        sender,
        _aliases(table) if manifest is None else {},
        settings.max_block_bytes,
    )


def _follow_up(table: Table, done: RestoreOutcome) -> None:
    """After the commit: announce the change, and load the rows that waited for what was restored.

    What fails here is no reason to restore again: the sweep does the rest, as if the process had
    died in between.
    """
    try:
        _announce(table, done)
    except TransientError as error:
        logs.line("WARNING", "A restore is announced by the sweep", error=str(error))


def _announce(table: Table, done: RestoreOutcome) -> None:
    if done.load_id is None:
        return
    publisher, settings = wiring.publisher(), wiring.settings()
    publish_change(publisher, settings, table.name, done.load_id, "restore")
    released = waiting.release_after(
        wiring.engine(),
        Entry(done.load_id, table.name, "done", Counts(), done.accepted_at),
        lock_timeout_seconds=settings.lock_timeout_seconds,
    )
    for table_name, load_id in released:
        publish_change(publisher, settings, table_name, load_id, "load")


def _object_name(uri: str, bucket: str) -> str:
    start = f"{_SCHEME}{bucket}/"
    name = uri.removeprefix(start)
    usable = 1 <= len(name.encode()) <= _MOST_NAME_BYTES and name.isprintable()
    # A client on the way may take these for steps between folders, and so into another bucket.
    steps = {".", ".."} & set(unquote(name).split("/"))
    if not uri.startswith(start) or not usable or steps:
        raise Problem(
            400,
            "unusable-uri",
            f"A uri to restore from reads {start}OBJECT; copy the file to that bucket first.",
            pointer="/uri",
        )
    return name


def _aliases(table: Table) -> dict[str, str]:
    """Return the names of fields in BigQuery, whose export of the table may be restored."""
    return next(dict(p.place.renamed) for p in projections() if p.table.name == table.name)


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
    restore_table,
    scope="backups",
    is_long=True,
    summary="Restore a table",
    description="Stages and checks the whole backup, compares it with the table and changes what "
    "differs, all in one transaction. Loads of the table wait meanwhile; readers see the table "
    "from before or after the restore, never in between. BigQuery is synced afterwards.",
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
    responses=(ResponseSpec(200, "What was, or would be, changed.", Restored, _EXAMPLE),),
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

ROUTES = {"restore_table": (RESTORE,)}
