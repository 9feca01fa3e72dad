"""Backups and restores."""

from __future__ import annotations

from typing import Any

import click

from infra.cli import output
from infra.cli.client import Client
from infra.cli.errors import OK
from infra.cli.main import Options
from infra.cli.target import command, find
from infra.cli.verb import verb

_CHANGES = ("inserted", "updated", "deleted", "unchanged")


@verb()
@click.argument("table", default="all")
@click.option("--list", "listed", is_flag=True, help="List the backups of the table instead.")
def backup(options: Options, table: str, listed: bool) -> int:
    """Back up TABLE, or all tables as of the same moment.

    The backup is read back and compared before the command ends.
    """
    client = Client(find(options))
    found = (
        client.get(f"/backup_table/{table}")
        if listed
        else client.post(f"/backup_table/{table}", {})
    )
    if output.answer(options, found):
        return OK
    backups = found.get("backups", [found])
    output.table(
        ("table", "backup", "as of", "rows", "MB", "verified"),
        [
            (
                *(one["table"], one["id"], one["snapshot_at"], one["rows"]),
                *(one["size_bytes"] / 1e6, "yes" if one["verified"] else one["damage"] or "no"),
            )
            for one in backups
        ],
    )
    if not listed:
        output.say(
            f"`{command(options, f'restore {table} --preview')}` shows what a restore would change."
        )
    return OK


@verb()
@click.argument("table")
@click.option("--backup", "backup_id", help="Its id; the newest verified one if left out.")
@click.option("--uri", help="An Avro file in the backups bucket, gs://bucket/object.")
@click.option("--merge", is_flag=True, help="Keep rows that the backup does not have.")
@click.option("--preview", is_flag=True, help="Only show what would change.")
@click.option("--confirm", type=click.IntRange(0), help="How many rows it will delete, if most.")
def restore(
    options: Options,
    table: str,
    backup_id: str | None,
    uri: str | None,
    merge: bool,
    preview: bool,
    confirm: int | None,
) -> int:
    """Restore TABLE, or `all` tables together, from a backup.

    Afterwards the table holds exactly the backup's rows, unless --merge is given.
    """
    if uri and (backup_id or table == "all"):
        raise click.UsageError("--uri names one file for one table; leave out --backup.")
    source = {"uri": uri} if uri else {"backup": backup_id or "latest"}
    body: dict[str, Any] = {**source, "mode": "merge" if merge else "replace", "dry_run": preview}
    if confirm is not None:
        body["confirm"] = confirm
    found = Client(find(options)).post(f"/restore_table/{table}", body)
    if output.answer(options, found):
        return OK
    restored = found.get("tables", [found])
    output.say("It would change:" if preview else "Restored:")
    output.table(
        ("table", "backup", *_CHANGES),
        [(one["table"], one["backup"], *(one[c]["count"] for c in _CHANGES)) for one in restored],
    )
    if preview:
        output.say("Nothing has changed; the same command without --preview does it.")
    return OK
