"""The ledger: what became of each file and batch."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from infra.cli import output
from infra.cli.client import Client
from infra.cli.errors import OK
from infra.cli.following import exit_code
from infra.cli.main import Options
from infra.cli.target import command, find
from infra.cli.verb import verb

COUNTS = (
    "read",
    "inserted",
    "updated",
    "unchanged",
    "superseded",
    "waiting",
    "rejected",
    "deleted",
)
_PAGE_ROWS = 100


@verb()
@click.option("--state", type=click.Choice(["loading", "done", "failed"]))
@click.option("--table")
@click.option("--sender")
@click.option("--kind", type=click.Choice(["file", "batch", "replay", "restore"]))
@click.option("--since", metavar="MOMENT", help="Accepted at that moment or later, in ISO 8601.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
def loads(options: Options, limit: int, **filters: Any) -> int:
    """List loads, newest first: what became of each file and batch."""
    client = Client(find(options))
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < limit:
        page = client.get(
            "/loads", **filters, limit=min(limit - len(found), _PAGE_ROWS), cursor=cursor
        )
        found += page["rows"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if not output.answer(options, {"rows": found}):
        print_loads(found)
    return OK


@verb()
@click.argument("load_id", metavar="ID")
def load(options: Options, load_id: str) -> int:
    """Show one load, by its id. 2 is the exit code if rows were rejected, 1 if it failed."""
    found = Client(find(options)).get(f"/loads/{quote(load_id, safe='')}")
    if not output.answer(options, found):
        for name, value in found.items():
            if name != "counts" and value is not None:
                output.say(
                    f"{name:<12} {value.get('detail', value) if isinstance(value, dict) else value}"
                )
        if counts := found.get("counts"):
            output.say()
            output.table(COUNTS, [[counts[name] for name in COUNTS]])
            if counts["rejected"]:
                output.say(f"\n`{command(options, f'rejects --load {load_id}')}` says why.")
    return exit_code([found]) if found["state"] in ("done", "failed") else OK


def counts_of(found: list[dict[str, Any]]) -> list[str]:
    """Return the counts worth a column: the usual ones, and those that are not all 0."""
    usual = ("read", "inserted", "rejected")
    return [n for n in COUNTS if n in usual or any((one["counts"] or {}).get(n) for one in found)]


def print_loads(found: list[dict[str, Any]]) -> None:
    """Print the table of loads, and why those failed that did."""
    shown = counts_of(found)
    output.table(
        ("load", "source", "state", *shown),
        [
            (
                one["load_id"],
                _short(one["source"]),
                one["state"],
                *(one["counts"][n] for n in shown),
            )
            for one in found
        ],
        "No loads.",
    )
    for one in found:
        if one.get("error"):
            output.say(
                f"{_short(one['source'])} failed: {one['error'].get('detail', one['error'])}"
            )


def _short(source: str) -> str:
    """A file's name without its bucket and version; other sources as they are."""
    if not source.startswith("gs://"):
        return source
    return source.removeprefix("gs://").partition("/")[2].rpartition("#")[0] or source
