"""Restores backups into their tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal, TypeAlias
from urllib.parse import unquote
from uuid import UUID

import msgspec
from flask import Response
from msgspec import Meta

from shared import logs, tables, wiring
from shared.api import examples
from shared.api.backups import TABLE, as_problems
from shared.backups.backup import Backups
from shared.backups.catalog import LATEST, Catalog, Count, Manifest
from shared.backups.errors import UnknownBackup, UnusableBackup
from shared.backups.restore import (
    RestoreOutcome,
    RestoreRequest,
    RowsChanged,
    restore,
    restore_set,
)
from shared.backups.verify import original
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


Mode: TypeAlias = Annotated[
    Literal["replace", "merge"],
    Meta(
        description="`replace`: afterwards the table holds exactly the backup's rows. `merge`: "
        "rows that the backup does not have stay unchanged."
    ),
]
DryRun: TypeAlias = Annotated[bool, Meta(description="Only report what would change.")]


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
    mode: Mode = "replace"
    dry_run: DryRun = False
    confirm: Annotated[
        int | None,
        Meta(
            description="How many rows will be deleted, as the dry run said. Needed if they are "
            "more than half of the table.",
        ),
    ] = None
    bare_longs: Annotated[
        Literal["microseconds"] | None,
        Meta(
            description="What numbers without a logical type are, where the table has a moment, in "
            "a file made elsewhere: BigQuery exports such numbers unless it is told otherwise."
        ),
    ] = None


class Restored(msgspec.Struct):
    """What a restore did, or with `dry_run` would do."""

    table: str
    uri: str
    backup: Annotated[
        str | None,
        Meta(
            description="Its id; null for a file made elsewhere, and for a copied backup whose "
            "manifest is not in the bucket."
        ),
    ]
    verified: Annotated[
        bool,
        Meta(
            description="Whether what was read is what the backup's manifest says. Without a "
            "manifest each row is validated like a row of a batch instead."
        ),
    ]
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


class RestoreAll(msgspec.Struct, forbid_unknown_fields=True):
    """Which backups to restore, and how."""

    backup: Annotated[
        str, Meta(description="The id that they share, or `latest`: the newest undamaged ones.")
    ]
    mode: Mode = "replace"
    dry_run: DryRun = False
    confirm: Annotated[
        int | None,
        Meta(
            description="How many rows of all tables will be deleted, as the dry run said. Needed "
            "if they are more than half of a table.",
        ),
    ] = None


class RestoredSet(msgspec.Struct):
    """What a restore of all tables did, or with `dry_run` would do."""

    tables: list[Restored]


def restore_all(context: Context) -> Response:
    """Restore all tables, publish the changes, and load the rows that waited for them."""
    asked = bodies.read(context.request, RestoreAll)
    settings, client = wiring.settings(), wiring.storage_client()
    settings.require("backups_bucket")
    catalog = Catalog(client, settings.backups_bucket)
    known = tables.all_tables()
    with as_problems():
        manifests = catalog.find_set(list(known), asked.backup)
        with _damage_recorded(*manifests):
            orders = [
                RestoreRequest(
                    known[manifest.table],
                    catalog.stored(manifest.object),
                    manifest,
                    asked.mode,
                    asked.dry_run,
                    context.sender,
                    max_block_bytes=settings.max_block_bytes,
                )
                for manifest in manifests
            ]
            done = restore_set(
                wiring.engine(), client, orders, settings.lock_timeout_seconds, asked.confirm
            )
    for order, one in zip(orders, done, strict=True):
        _follow_up(order.table, one)
    found = [_restored(order, one) for order, one in zip(orders, done, strict=True)]
    return json_response(RestoredSet(found))


def restore_table(context: Context) -> Response:
    """Restore a table, publish the change, and load the rows that waited for it."""
    table = tables.find(context.params["table_name"])
    asked = bodies.read(context.request, Restore)
    engine, settings = wiring.engine(), wiring.settings()
    with as_problems():
        order = _order(table, asked, context.sender)
        with _damage_recorded(*filter(None, [order.manifest])):
            done = restore(engine, wiring.storage_client(), order, settings.lock_timeout_seconds)
    _follow_up(table, done)
    return json_response(_restored(order, done))


def _restored(order: RestoreRequest, done: RestoreOutcome) -> Restored:
    return Restored(
        table=order.table.name,
        uri=f"{_SCHEME}{order.stored.bucket}/{order.stored.name}",
        backup=None if order.manifest is None else order.manifest.id,
        verified=order.manifest is not None,
        mode=order.mode,
        dry_run=order.dry_run,
        load_id=done.load_id,
        rows=done.rows,
        inserted=done.changes["inserted"],
        updated=done.changes["updated"],
        deleted=done.changes["deleted"],
        unchanged=done.changes["unchanged"],
    )


@contextmanager
def _damage_recorded(*manifests: Manifest) -> Iterator[None]:
    """Record that a backup has proved damaged: `latest` passes over it from then on.

    Args:
        manifests: the backups that are restored together.

    Raises:
        UnusableBackup: it is damaged; the text names the newest backup that is not.
    """
    try:
        yield
    except UnusableBackup as error:
        # Not if a copy of it is damaged.
        manifest = next((one for one in manifests if one.object == error.object_name), None)
        if error.code != "damaged" or manifest is None:
            raise
        backups = Backups(wiring.settings(), wiring.engine(), wiring.storage_client())
        backups.record(manifest, str(error))
        try:
            other, *_ = backups.catalog.find_set([one.table for one in manifests], LATEST)
        except UnknownBackup:
            advice = "There is no other undamaged one."
        else:
            advice = f"The newest other one is {other.id}, of {other.snapshot_at.isoformat()}."
        raise UnusableBackup(error.code, f"{error} {advice}", **error.facts) from error


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
        with _damage_recorded(manifest):
            stored = catalog.stored(manifest.object)
    elif asked.uri is not None and asked.backup is None:
        name = _object_name(asked.uri, settings.backups_bucket)
        found = wiring.object_store().find(settings.backups_bucket, name)
        if found is None:
            raise UnknownBackup(f"There is no object {asked.uri!r}; upload it, or name another.")
        stored = found
        with as_problems():
            # Another table's backup counts as a file made elsewhere.
            manifest = original(catalog, stored, table.name)
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
        asked.bare_longs == "microseconds",
        asked.confirm,
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
    return next(dict(p.place.rename) for p in projections() if p.table.name == table.name)


_EXAMPLE = Restored(
    table=examples.TABLE,
    uri=f"gs://tablegate-backups/{examples.TABLE}/20260102T020000.123456Z-5f3a9c1e7b20.avro",
    backup="5f3a9c1e7b20",
    verified=True,
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
                "uri": f"gs://tablegate-backups/exports/{examples.TABLE}.avro",
                "mode": "merge",
            },
        },
    ),
    responses=(ResponseSpec(200, "What was, or would be, changed.", Restored, _EXAMPLE),),
    problems={
        400: ("unusable-uri",),
        404: ("unknown-table", "unknown-backup"),
        409: ("rows-without-parent", "confirmation-needed"),
        422: (
            *("damaged-backup", "wrong-schema", "bad-rows", "doubled-keys", "not-unique"),
            *("not-avro", "truncated", "too-large", "unknown-codec"),
        ),
    },
)

RESTORE_ALL = Route(
    "POST",
    "/all",
    restore_all,
    scope="backups",
    is_long=True,
    summary="Restore all tables",
    description="Restores backups that were made together, all in one transaction or none. No "
    "table refuses another: children are checked against their restored parents. A dry run takes "
    "the same locks until it is undone.",
    body=Body(
        "Which backups to restore.",
        RestoreAll,
        {
            "the latest backups": {"backup": "latest"},
            "see what would change": {"backup": "5f3a9c1e7b20", "dry_run": True},
        },
    ),
    responses=(
        ResponseSpec(200, "What was, or would be, changed.", RestoredSet, RestoredSet([_EXAMPLE])),
    ),
    problems={
        404: ("unknown-backup",),
        409: ("rows-without-parent", "confirmation-needed"),
        422: (
            *("damaged-backup", "wrong-schema", "doubled-keys", "not-unique"),
            *("not-avro", "truncated", "too-large", "unknown-codec"),
        ),
    },
)

ROUTES = {"restore_table": (RESTORE_ALL, RESTORE)}
