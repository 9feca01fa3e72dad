"""Metrics, and how far BigQuery is behind."""

from __future__ import annotations

from typing import Any

import click

from infra.cli import output
from infra.cli.client import Client
from infra.cli.errors import FAILED, OK
from infra.cli.main import Options
from infra.cli.target import find
from infra.cli.verb import verb

_METRICS = ("hires_by_quarter", "departments_above_mean")


@verb()
@click.argument("name", type=click.Choice(_METRICS), required=False)
@click.option("--year", type=click.IntRange(1, 9999), help="A year, in UTC; 2021 if left out.")
@click.option("--limit", type=click.IntRange(1), help="Print so many rows.")
def metrics(options: Options, name: str | None, year: int | None, limit: int | None) -> int:
    """Print a metric, or all of them."""
    client = Client(find(options))
    found = {one: client.get(f"/{one}", year=year) for one in ([name] if name else _METRICS)}
    if output.answer(options, found[name] if name else found):
        return OK
    for one, answer in found.items():
        rows = answer["rows"]
        mean = f", mean {answer['mean']:.2f}" if "mean" in answer else ""
        first = f", the first {limit}" if limit and limit < len(rows) else ""
        output.say(f"{one} {answer['year']}{mean}: {len(rows)} rows{first}")
        _print_rows(rows[:limit])
    return OK


@verb()
def freshness(options: Options) -> int:
    """Say how far BigQuery is behind the tables."""
    found = Client(find(options)).get("/freshness")
    if output.answer(options, found):
        return OK
    columns = ("table", "as of", "changed", "loads to sync", "lag, s")
    rows = [
        (one["table"], one["as_of"], one["changed_at"], one["unsynced"], one["lag_seconds"])
        for one in found["tables"]
    ]
    output.table(columns, rows)
    return OK


@verb()
@click.option("--repair", is_flag=True, help="Refresh the rows of BigQuery that differ.")
@click.option("--table", "table_name", help="One table; all if left out.")
def reconcile(options: Options, repair: bool, table_name: str | None) -> int:
    """Compare BigQuery with the tables; 1 is the exit code if they differ."""
    body: dict[str, Any] = {"repair": repair} | ({"table": table_name} if table_name else {})
    found = Client(find(options)).post("/sync_warehouse/reconcile", body)
    if not output.answer(options, found):
        columns = (
            "table",
            "agrees",
            "repaired",
            "rows",
            "in BigQuery",
            "missing",
            "extra",
            "changed",
        )
        rows = [
            (
                *(one["table"], _yes(one["agrees"]), _yes(one["repaired"])),
                *(one["rows"]["postgres"], one["rows"]["bigquery"]),
                *(one["missing"], one["extra"], one["changed"]),
            )
            for one in found["tables"]
        ]
        output.table(columns, rows)
        for one in found["objects"]:
            done = "It is repaired." if one["repaired"] else one["remedy"]
            output.say(f"{one['name']}: {one['what']} {done}")
    return OK if found["agrees"] else FAILED


def _print_rows(rows: list[dict[str, Any]]) -> None:
    output.table(tuple(rows[0]) if rows else (), [tuple(row.values()) for row in rows])


def _yes(value: bool) -> str:
    return "yes" if value else "no"
