"""The rows of a table."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click

from infra.cli import output
from infra.cli.client import Client
from infra.cli.errors import OK
from infra.cli.main import Options
from infra.cli.target import find
from infra.cli.verb import verb

_PAGE_ROWS = 1000


@verb()
@click.argument("table")
@click.argument("key", required=False)
@click.option(
    "--since", metavar="MOMENT", help="Rows accepted at that moment or later, in ISO 8601."
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--csv", "form", flag_value="text/csv", help="Print all rows as CSV.")
@click.option(
    "--ndjson", "form", flag_value="application/x-ndjson", help="Print all rows as JSON lines."
)
def rows(
    options: Options, table: str, key: str | None, since: str | None, limit: int, form: str | None
) -> int:
    """Print the rows of TABLE as they are stored, by key; or the one with KEY."""
    client = Client(find(options))
    path = f"/read_rows/{quote(table, safe='')}"
    if key is not None:
        found = client.get(f"{path}/{quote(key, safe='')}")
        if not output.answer(options, found):
            _print([found])
        return OK
    if form is not None:
        client.download(path, sys.stdout.buffer, form, since=since)
        sys.stdout.buffer.flush()
        return OK
    listed: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(listed) < limit:
        page = client.get(
            path, since=since, limit=min(limit - len(listed), _PAGE_ROWS), cursor=cursor
        )
        listed += page["rows"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if not output.answer(options, {"rows": listed}):
        _print(listed)
        if cursor is not None:
            output.say("There are more; --limit, --csv and --ndjson show them.")
    return OK


def _print(found: list[dict[str, Any]]) -> None:
    output.table(
        tuple(found[0]) if found else (), [tuple(row.values()) for row in found], "No rows."
    )
