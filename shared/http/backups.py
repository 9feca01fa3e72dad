"""Backups as callers see them: from what is asked for to what is answered."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Response

from shared import logs
from shared.api.backup_table import Backup, BackupList, BackupSet, NoOptions
from shared.api.restore_table import Restored, RowsChanged
from shared.backups.errors import Orphans, UnknownBackup, UnusableBackup
from shared.errors import TablegateError
from shared.http import bodies
from shared.http.answers import json_answer
from shared.http.problems import Problem
from shared.http.routes import Call
from shared.settings import Settings
from shared.tables import find
from shared.tables.table import Table

if TYPE_CHECKING:
    # Heavy, and a function's start must not wait for it.
    from shared.backups import restore as restores
    from shared.backups.backup import Backups
    from shared.backups.catalog import Manifest

_LABELS = {"alert": "backup-failed"}


@contextmanager
def problems() -> Iterator[None]:
    """Turn what can be wrong with a backup into problems.

    Raises:
        Problem: 404, 409 or 422.
    """
    try:
        yield
    except UnknownBackup as error:
        raise Problem(404, "unknown-backup", str(error)) from error
    except Orphans as error:
        raise Problem(409, "rows-without-parent", str(error), broken=error.found) from error
    except UnusableBackup as error:
        slug = "damaged-backup" if error.code == "damaged" else error.code.replace("_", "-")
        raise Problem(422, slug, str(error), **error.facts) from error


def taken(call: Call, backups: "Backups", tables: Sequence[Table]) -> list[Backup]:
    """Back up tables; where the schedule asked for it, let old backups go and say what fails.

    Raises:
        Problem: 400, 415, the call has a body that is no empty object; 422, what was read back is
            not what was written.
    """
    bodies.read(call.request, NoOptions, may_be_empty=True)
    with problems():
        found = _take(call, backups, tables)
    return [_told(backups, manifest) for manifest in found]


def _take(call: Call, backups: "Backups", tables: Sequence[Table]) -> "list[Manifest]":
    if not _is_scheduled(call, backups.settings):
        return backups.back_up(tables, call.sender)
    try:
        found = backups.back_up(tables, call.sender, scheduled=True)
    except Exception as error:
        names = [table.name for table in tables]
        _alert("A scheduled backup failed", error, tables=names)
        raise
    try:
        backups.expire(tables, datetime.now(UTC))
    except Exception as error:  # noqa: BLE001 - there is a backup all the same
        _alert("Could not delete expired backups", error)
    return found


def named(call: Call, backups: "Backups") -> "Manifest":
    """The backup that a call's path names.

    Raises:
        Problem: 404, there is none.
        UnknownTable: the dictionary has no such table.
    """
    table = find(call.params["table_name"])
    with problems():
        return backups.catalog.find(table.name, call.params["backup_id"])


def checked(call: Call, backups: "Backups") -> Response:
    """Check the backup that a call's path names again.

    Raises:
        Problem: 404, there is none; 422, it is damaged.
    """
    manifest = named(call, backups)
    bodies.read(call.request, NoOptions, may_be_empty=True)
    found = backups.verify(manifest)
    if found.damage is not None:
        raise Problem(422, "damaged-backup", found.damage, backup=found.id)
    return json_answer(_told(backups, found))


def together(found: Sequence[Backup]) -> Response:
    """Backups of several tables at one moment."""
    return json_answer(BackupSet(found[0].id, found[0].snapshot_at, list(found)), 201)


def listed(backups: "Backups", table: Table) -> Response:
    """The backups of a table."""
    found = backups.catalog.newest_first(table.name)
    return json_answer(BackupList(table.name, [_told(backups, one) for one in found]))


def restored(order: "restores.RestoreRequest", done: "restores.Restored") -> Response:
    """What a restore did."""
    changes = {
        kind: RowsChanged(change.count, [dict(key) for key in change.examples])
        for kind, change in done.changes.items()
    }
    answer = Restored(
        table=order.table.name,
        uri=f"gs://{order.stored.bucket}/{order.stored.name}",
        backup=None if order.manifest is None else order.manifest.id,
        mode=order.mode,
        dry_run=order.dry_run,
        load_id=done.load_id,
        rows=done.rows,
        **changes,
    )
    return json_answer(answer)


def _told(backups: "Backups", manifest: "Manifest") -> Backup:
    same = {
        name: getattr(manifest, name)
        for name in Backup.__struct_fields__
        if name in manifest.__struct_fields__
    }
    age = datetime.now(UTC) - manifest.snapshot_at
    return Backup(
        **same,
        uri=f"gs://{backups.catalog.bucket}/{manifest.object}",
        age_seconds=max(int(age.total_seconds()), 0),
        verified=manifest.is_verified,
    )


def _is_scheduled(call: Call, settings: Settings) -> bool:
    by_identity = bool(settings.push_account) and call.sender == settings.push_account
    # What Cloud Scheduler says of itself; the timer of the embedded platform too.
    return by_identity or call.request.headers.get("X-CloudScheduler") == "true"


def _alert(message: str, error: Exception, **facts: object) -> None:
    # The type alone of what is no fault of ours: its words may quote a row.
    told = str(error) if isinstance(error, TablegateError) else type(error).__name__
    logs.line("ERROR", message, labels=_LABELS, error=told, **facts)
