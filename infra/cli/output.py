"""Prints tables for people, and JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from infra.cli.main import Options


def answer(options: Options, found: Any) -> bool:
    """Print JSON if it is wanted; returns whether it was."""
    if options.json:
        click.echo(json.dumps(found, ensure_ascii=False, default=str))
    return options.json


def say(text: str = "") -> None:
    """Print text for people."""
    click.echo(text)


def note(text: str) -> None:
    """Print what is not part of the answer, to standard error."""
    click.echo(text, err=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], none: str = "None.") -> None:
    """Print rows under their columns: numbers to the right, nothing as a dash."""
    if not rows:
        click.echo(none)
        return
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for at, column in enumerate(columns):
        numeric = all(isinstance(row[at], int | float | None) for row in rows)
        made.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(_text(value)) for value in row))
    console().print(made)


def console(*, to_errors: bool = False) -> Any:
    """A console of rich: with colours on a terminal only, and as wide as needed elsewhere."""
    from rich.console import Console

    stream = sys.stderr if to_errors else sys.stdout
    # A program that reads a table must not see its lines broken.
    width = None if stream.isatty() else 1000
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def reasons(errors: Sequence[Mapping[str, Any]]) -> str:
    """Errors of a row as text."""
    return "; ".join(
        f"{one.get('field')}: {one.get('message') or one.get('code')}" for one in errors
    )


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    # What others sent must not move the cursor or change colours.
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value))
