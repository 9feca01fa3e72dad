"""Metrics, and how far BigQuery is behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from infra.cli import output
from infra.cli.client import Client
from infra.cli.errors import FAILED, OK
from infra.cli.main import Options
from infra.cli.target import find
from infra.cli.verb import verb
from shared.metrics import all_metrics

_METRICS = all_metrics()
_PARAMETERS = {one.name: one for metric in _METRICS.values() for one in metric.parameters}


def _asked(function: Callable[..., int]) -> Callable[..., int]:
    """Add an option for every parameter of the metrics."""
    for one in _PARAMETERS.values():
        words = f"{one.description.rstrip('.')}; {one.default} if left out."
        range_ = click.IntRange(one.minimum, one.maximum)
        option = click.option(f"--{one.name.replace('_', '-')}", one.name, type=range_, help=words)
        function = option(function)
    return function


@verb()
@click.argument("metric", type=click.Choice(tuple(_METRICS)), required=False, metavar="[NAME]")
@_asked
@click.option("--limit", "most", type=click.IntRange(1), help="Print so many rows.")
def metrics(options: Options, metric: str | None, most: int | None, **asked: int | None) -> int:
    """Print a metric, or all of them."""
    client = Client(find(options))
    chosen = [_METRICS[metric]] if metric else list(_METRICS.values())
    found = {
        one.name: client.get(f"/{one.name}", **{p.name: asked[p.name] for p in one.parameters})
        for one in chosen
    }
    if output.answer(options, found[metric] if metric else found):
        return OK
    for one in chosen:
        rows = found[one.name]["rows"]
        first = f", the first {most}" if most and most < len(rows) else ""
        output.say(f"{one.summed_up(found[one.name])}: {len(rows)} rows{first}")
        _print_rows(rows[:most])
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
