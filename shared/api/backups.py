"""Backups: make, list, verify and delete them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta

from shared import logs, tables, wiring
from shared.api import examples
from shared.backups.backup import Backups
from shared.backups.catalog import LATEST, BackupFacts, Manifest
from shared.backups.errors import Orphans, Unconfirmed, UnknownBackup, UnusableBackup
from shared.errors import TablegateError
from shared.http import bodies
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import Body, Context, Parameter, ResponseSpec, Route
from shared.moments import Moment
from shared.settings import Settings
from shared.tables.table import Table

# What an alert selects the log line by.
ALERT = {"alert": "backup-failed"}


class Backup(BackupFacts, frozen=True, kw_only=True):
    """A backup of a table."""

    uri: Annotated[str, Meta(description="Its Avro file; the manifest is next to it.")]
    age_seconds: Annotated[int, Meta(description="Seconds since snapshot_at.")]
    verified: Annotated[bool, Meta(description="Whether it was intact when it was last read.")]
    damage: Annotated[str | None, Meta(description="What was wrong when it was last read.")]


class BackupList(msgspec.Struct):
    """The backups of a table, newest first."""

    table: str
    backups: list[Backup]


class BackupSet(msgspec.Struct):
    """Backups of several tables from the same moment."""

    id: Annotated[str, Meta(description="The id that all of these backups have.")]
    snapshot_at: Moment
    backups: list[Backup]


class NoOptions(msgspec.Struct, forbid_unknown_fields=True):
    """An empty object: a backup has no options."""


def back_up_all(context: Context) -> Response:
    """Back up all tables as of the same moment."""
    found = _taken(context, list(tables.all_tables().values()))
    return json_response(BackupSet(found[0].id, found[0].snapshot_at, found), 201)


def back_up(context: Context) -> Response:
    """Back up a table."""
    (found,) = _taken(context, [tables.find(context.params["table_name"])])
    return json_response(found, 201)


def list_backups(context: Context) -> Response:
    """List the backups of a table."""
    backups, table = _backups(), tables.find(context.params["table_name"])
    found = backups.catalog.newest_first(table.name)
    return json_response(BackupList(table.name, [_described(backups, one) for one in found]))


def verify(context: Context) -> Response:
    """Read a backup again and check it."""
    backups = _backups()
    manifest = _named(context, backups)
    bodies.read(context.request, NoOptions, may_be_empty=True)
    found = backups.verify(manifest)
    if found.damage is not None:
        raise Problem(422, "damaged-backup", found.damage, backup=found.id)
    return json_response(_described(backups, found))


def delete(context: Context) -> Response:
    """Delete a backup; not `latest`, because a repeated call would delete the next one."""
    if context.params["backup_id"] == LATEST:
        table = tables.find(context.params["table_name"]).name
        raise Problem(
            400,
            "unusable-backup-id",
            f"Name the backup to delete by its id; GET /backup_table/{table} lists them.",
        )
    backups = _backups()
    backups.catalog.delete(_named(context, backups))
    return Response(status=204)


@contextmanager
def as_problems() -> Iterator[None]:
    """Raise the errors of backups as problems.

    Raises:
        Problem: 404, 409 or 422.
    """
    try:
        yield
    except UnknownBackup as error:
        raise Problem(404, "unknown-backup", str(error)) from error
    except Orphans as error:
        raise Problem(409, "rows-without-parent", str(error), broken=error.found) from error
    except Unconfirmed as error:
        raise Problem(
            409,
            "confirmation-needed",
            str(error),
            count=error.count,
            examples=error.examples,
        ) from error
    except UnusableBackup as error:
        slug = "damaged-backup" if error.code == "damaged" else error.code.replace("_", "-")
        raise Problem(422, slug, str(error), **error.facts) from error


def _backups() -> Backups:
    return Backups(wiring.settings(), wiring.engine(), wiring.storage_client())


def _taken(context: Context, of: Sequence[Table]) -> list[Backup]:
    """Back up tables. If the schedule asked for it, also expire old backups and log failures."""
    backups = _backups()
    bodies.read(context.request, NoOptions, may_be_empty=True)
    with as_problems():
        if _is_scheduled(context, backups.settings):
            found = _take_scheduled(context, backups, of)
        else:
            found = backups.back_up(of, context.sender)
    return [_described(backups, manifest) for manifest in found]


def _take_scheduled(context: Context, backups: Backups, of: Sequence[Table]) -> list[Manifest]:
    try:
        found = backups.back_up(of, context.sender, scheduled=True)
    except Exception as error:
        names = [table.name for table in of]
        _alert("A scheduled backup failed", error, tables=names)
        raise
    try:
        backups.expire(of, datetime.now(UTC))
    except Exception as error:  # noqa: BLE001 - the new backup exists even so
        _alert("Could not delete expired backups", error)
    return found


def _named(context: Context, backups: Backups) -> Manifest:
    """Find the backup that a call's path names.

    Raises:
        Problem: 404, the table has no such backup.
        UnknownTable: the dictionary has no such table.
    """
    table = tables.find(context.params["table_name"])
    with as_problems():
        return backups.catalog.find(table.name, context.params["backup_id"])


def _described(backups: Backups, manifest: Manifest) -> Backup:
    age = datetime.now(UTC) - manifest.snapshot_at
    return Backup(
        id=manifest.id,
        table=manifest.table,
        uri=f"gs://{backups.catalog.bucket}/{manifest.object}",
        rows=manifest.rows,
        size_bytes=manifest.size_bytes,
        crc32c=manifest.crc32c,
        checksum=manifest.checksum,
        fingerprint=manifest.fingerprint,
        codec=manifest.codec,
        snapshot_at=manifest.snapshot_at,
        age_seconds=max(int(age.total_seconds()), 0),
        scheduled=manifest.scheduled,
        sender=manifest.sender,
        verified=manifest.is_verified,
        verified_at=manifest.verified_at,
        damage=manifest.damage,
    )


def _is_scheduled(context: Context, settings: Settings) -> bool:
    # Not Cloud Scheduler's header, which anyone can send.
    return bool(settings.push_account) and context.sender == settings.push_account


def _alert(message: str, error: Exception, **facts: object) -> None:
    # For an error that is not ours, log only the type: its message may quote a row.
    text = str(error) if isinstance(error, TablegateError) else type(error).__name__
    logs.line("ERROR", message, labels=ALERT, error=text, **facts)


_BACKUP_ID = "5f3a9c1e7b20"
_MOMENT = datetime(2026, 1, 2, 2, 0, 0, 123456, tzinfo=UTC)
_BACKUP = Backup(
    id=_BACKUP_ID,
    table=examples.TABLE,
    uri=f"gs://tablegate-backups/{examples.TABLE}/20260102T020000.123456Z-{_BACKUP_ID}.avro",
    rows=183,
    size_bytes=6042,
    crc32c="yZRlqg==",
    checksum="91ab6c0f35d2e874",
    fingerprint="5dbd1a8ab5b6d1f0a9e0c4c0c1d3c54a2f0f5d7f6ef1a1c8c8d6d2b6b8f0a9e0",
    codec="deflate",
    snapshot_at=_MOMENT,
    age_seconds=42,
    scheduled=False,
    sender="ann",
    verified=True,
    verified_at=datetime(2026, 1, 2, 2, 0, 1, tzinfo=UTC),
    damage=None,
)

TABLE = Parameter(
    "table_name", "path", "A table of the dictionary.", {"type": "string"}, example=examples.TABLE
)
BACKUP = Parameter(
    "backup_id",
    "path",
    "The id from the response that made the backup.",
    {"type": "string", "pattern": "^[0-9a-f]{12}$"},
    example=_BACKUP_ID,
)
_NO_BODY = Body("Nothing, or an empty object.", NoOptions, required=False)

BACK_UP_ALL = Route(
    "POST",
    "/all",
    back_up_all,
    scope="backups",
    is_long=True,
    scheduled=True,
    summary="Back up all tables as of the same moment",
    description="Answers once each backup was read back and verified. A scheduled backup also "
    "deletes expired backups: those older than BACKUP_KEEP_DAYS days, but never one of the last "
    "BACKUP_KEEP_LAST.",
    body=_NO_BODY,
    responses=(
        ResponseSpec(
            201, "Backed up, and verified.", BackupSet, BackupSet(_BACKUP_ID, _MOMENT, [_BACKUP])
        ),
    ),
)

BACK_UP = Route(
    "POST",
    "/<table_name>",
    back_up,
    scope="backups",
    is_long=True,
    scheduled=True,
    summary="Back up a table",
    description="Streams a snapshot of the table to an Avro file on Cloud Storage, reads the file "
    "back and compares it with the rows of the table: number of rows, CRC32C and content "
    "checksum. Only then does the backup exist. Loads continue meanwhile.",
    parameters=(TABLE,),
    body=_NO_BODY,
    responses=(ResponseSpec(201, "Backed up, and verified.", Backup, _BACKUP),),
    problems={404: ("unknown-table",)},
)

LIST = Route(
    "GET",
    "/<table_name>",
    list_backups,
    scope="backups",
    summary="List the backups of a table",
    parameters=(TABLE,),
    responses=(
        ResponseSpec(200, "Newest first.", BackupList, BackupList(examples.TABLE, [_BACKUP])),
    ),
    problems={404: ("unknown-table",)},
)

VERIFY = Route(
    "POST",
    "/<table_name>/<backup_id>/verify",
    verify,
    scope="backups",
    is_long=True,
    summary="Read a whole backup again and check it",
    parameters=(TABLE, BACKUP),
    body=_NO_BODY,
    responses=(ResponseSpec(200, "The backup is intact.", Backup, _BACKUP),),
    problems={404: ("unknown-table", "unknown-backup"), 422: ("damaged-backup",)},
)

DELETE = Route(
    "DELETE",
    "/<table_name>/<backup_id>",
    delete,
    scope="backups",
    summary="Delete a backup",
    parameters=(TABLE, BACKUP),
    responses=(ResponseSpec(204, "The backup is deleted.", media_type=""),),
    problems={400: ("unusable-backup-id",), 404: ("unknown-table", "unknown-backup")},
)

ROUTES = {"backup_table": (BACK_UP_ALL, BACK_UP, LIST, VERIFY, DELETE)}
