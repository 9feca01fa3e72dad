"""Rejected rows: see, correct, discard."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from infra.cli import dictionary, output
from infra.cli.client import Client
from infra.cli.errors import OK, SOME_REJECTED, Failure
from infra.cli.main import Options
from infra.cli.target import command, find
from infra.cli.verb import verb

_STATUSES = ("rejected", "waiting", "replayed", "loaded", "discarded")
_PAGE_ROWS, _MOST_IDS = 1000, 1000


@verb()
@click.option("--table", help="Only those of a table.")
@click.option("--status", type=click.Choice(_STATUSES), default="rejected", show_default=True)
@click.option("--reason", help="Only those with this code as the first reason.")
@click.option("--load", "load_id", help="Only those of a load.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the file to correct and drop again.")
def rejects(
    options: Options,
    table: str | None,
    status: str,
    reason: str | None,
    load_id: str | None,
    limit: int,
    as_csv: bool,
) -> int:
    """List rejected rows, newest first, with the reasons."""
    if as_csv and table is None:
        raise click.UsageError("--csv needs --table.")
    client = Client(find(options))
    if as_csv:
        sink = sys.stdout.buffer
        client.download(
            "/rejected_rows.csv", sink, "text/csv", table=table, reason=reason, load_id=load_id
        )
        sink.flush()
        return OK
    filters = {"table": table, "status": status, "reason": reason, "load_id": load_id}
    found, is_more = _listed(client, filters, limit)
    if output.answer(options, {"rows": found}):
        return OK
    output.table(
        ("id", "table", "line", "row", "why"),
        [
            (
                row["reject_id"],
                row["table"],
                row["position"],
                _shortened(row["raw"]),
                output.reasons(row["errors"]),
            )
            for row in found
        ],
        "No rejected rows.",
    )
    if found:
        if is_more:
            output.say("There are more; --limit shows them.")
        number, file = found[0]["reject_id"], f"{found[0]['table']}-corrected.csv"
        listed = f"rejects --table {found[0]['table']} --csv > {file}"
        output.say(f"\nCorrect one:   {command(options, f'replay {number} --set FIELD=VALUE')}")
        output.say(f"Correct many:  {command(options, listed)}")
        output.say(f"               edit it, then {command(options, f'drop {file}')}")
    return OK


@verb()
@click.argument("ids", type=click.IntRange(1), nargs=-1)
@click.option(
    "--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change a field first."
)
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='Whole corrected rows as JSON: {"ID": {"FIELD": VALUE, ...}}.',
)
def replay(
    options: Options, ids: tuple[int, ...], changes: tuple[str, ...], path: Path | None
) -> int:
    """Send rejected rows again, by their ids, with some fields changed.

    A value is read as JSON if the field's rule wants a number; otherwise it is text. 2 is the
    exit code if some rows are rejected again.
    """
    if bool(ids) == bool(path) or (path and changes):
        raise click.UsageError("Name ids, with --set if something is to change, or a --file.")
    corrected = _changes(changes)
    client = Client(find(options))
    rows = _of_file(path) if path else _corrected(client, ids, corrected)
    answer = client.post("/rejected_rows/replay", {"rows": rows})
    if not output.answer(options, answer):
        output.say(
            f"{len(answer['replayed'])} stored, {len(answer['waiting'])} waiting for their parents."
        )
        for one in answer["rejected"]:
            why = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in one["errors"].items())
            output.say(f"{one['reject_id']} is rejected again. {why}")
        for one in answer["not_open"]:
            output.say(f"{one['reject_id']} is {one['status'] or 'unknown'}, not open.")
    return SOME_REJECTED if answer["rejected"] or answer["not_open"] else OK


@verb()
@click.argument("ids", type=click.IntRange(1), nargs=-1, required=True)
def discard(options: Options, ids: tuple[int, ...]) -> int:
    """Close rejected rows that nobody needs, by their ids."""
    client = Client(find(options))
    done: dict[str, list[Any]] = {"discarded": [], "not_open": []}
    for at in range(0, len(ids), _MOST_IDS):
        answer = client.post("/rejected_rows/discard", {"ids": list(ids[at : at + _MOST_IDS])})
        done = {name: done[name] + answer[name] for name in done}
    if not output.answer(options, done):
        output.say(f"{len(done['discarded'])} discarded.")
        for one in done["not_open"]:
            output.say(f"{one['reject_id']} is {one['status'] or 'unknown'}, not open.")
    return SOME_REJECTED if done["not_open"] else OK


def _listed(
    client: Client, filters: dict[str, Any], limit: int
) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(
            "/rejected_rows", **filters, limit=min(limit - len(found), _PAGE_ROWS), cursor=cursor
        )
        found += page["rows"]
        cursor = page["next_cursor"]
        if len(found) >= limit or cursor is None:
            return found, cursor is not None


def _corrected(client: Client, ids: tuple[int, ...], changes: dict[str, str]) -> dict[str, Any]:
    """The rows of rejects as they would be accepted, with the changes."""
    types = dictionary.read(client)
    rows = {}
    for reject in _find(client, ids):
        raw = reject["raw"]
        if not isinstance(raw, dict):
            raise Failure(
                f"{reject['reject_id']} is no whole row, so it cannot be replayed; discard it, "
                "and send it from where it came."
            )
        known = types.get(reject["table"], {})
        unknown = [name for name in changes if name not in known]
        if unknown:
            raise Failure(
                f"{reject['table']} has no {', '.join(unknown)}; it has {', '.join(known)}."
            )
        rows[str(reject["reject_id"])] = {
            name: _typed(value, known.get(name)) for name, value in (raw | changes).items()
        }
    return rows


def _find(client: Client, ids: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    for reject_id in dict.fromkeys(ids):
        # The page of the rejects before the next id begins with this one, if there is one.
        page = client.get("/rejected_rows", limit=1, cursor=str(reject_id + 1))
        if not page["rows"] or page["rows"][0]["reject_id"] != reject_id:
            raise Failure(f"There is no rejected row {reject_id}; `rejects` lists them.")
        yield page["rows"][0]


def _typed(value: Any, kind: str | None) -> Any:
    """A cell of a file as the JSON value that a batch must have; what does not fit stays text."""
    if kind not in ("integer", "number", "boolean") or not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, int | float) else value


def _changes(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise click.UsageError(f"--set takes FIELD=VALUE, not {wrong[0]!r}.")
    return {name: value for name, _, value in pairs}


def _of_file(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise Failure(f"{path} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise Failure(f'{path} must hold {{"ID": ROW}}.')
    return found


def _shortened(raw: Any) -> str:
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"
