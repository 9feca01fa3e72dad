"""Describes a new table by a sample of its rows."""

from __future__ import annotations

from pathlib import Path

import click

from infra.cli import output
from infra.cli.errors import Failure
from infra.cli.main import Options
from infra.cli.target import command
from infra.cli.verb import verb
from infra.local.environment import ROOT
from infra.local.next_steps import shown

_FOLDER = ROOT / "shared" / "tables"


@click.group()
def table() -> None:
    """Describe a new table."""


@verb(group=table)
@click.argument("sample", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", help="Name of the table; the file's name if left out.")
@click.option("--print", "only_print", is_flag=True, help="Print the file instead of writing it.")
def new(options: Options, sample: Path, name: str | None, only_print: bool) -> None:
    """Propose a table's file from SAMPLE, a CSV file with some of its rows.

    Each column gets the narrowest kind that all of its cells fit; doubts are comments in the file.
    """
    from infra.cli import proposal

    found = proposal.propose(sample, name)
    path = _FOLDER / f"{found.name}.py"
    if not only_print:
        if path.exists():
            raise Failure(f"{shown(path)} exists already; choose another --name, or edit it.")
        path.write_text(found.text, encoding="utf-8")
        if problem := proposal.problem():
            path.unlink()
            raise Failure(problem)
    answer = {"table": found.name, "path": str(path), "text": found.text, "doubts": found.doubts}
    if output.answer(options, answer):
        return
    if only_print:
        output.say(found.text)
        return
    output.say(f"{shown(path)} describes the table {found.name}. Read it; these are the doubts:")
    for doubt in found.doubts or ["none"]:
        output.say(f"  - {doubt}")
    output.say("\nThen:")
    output.say(f"  {command(options, 'down')}; {command(options, 'up')}")
    output.say(
        f"  {command(options, f'drop {shown(sample.resolve())} --table {found.name} --wait')}"
    )
