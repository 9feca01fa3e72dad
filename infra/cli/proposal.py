"""Proposes a table's file from a sample of its rows."""

from __future__ import annotations

import csv
import gzip
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

from marshmallow import ValidationError

from infra.cli.errors import Failure
from infra.local.environment import ROOT
from shared import tables
from shared.tables import stored
from shared.tables.kind import Cell, Kind
from shared.tables.kinds import KINDS
from shared.tables.kinds.text import MAX_TEXT, Text

_MOST_ROWS = 100_000
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
# From this share of cells that fit a narrower kind it is worth a word.
_WORTH_A_WORD = 0.9
_FALLBACK = "Text"
_EXTENSION = re.compile(r"\.csv(\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Proposal:
    """A proposed table.

    Attributes:
        name: its name.
        text: its file.
        doubts: what a person should look at, in sentences; the file has them as comments, too.
    """

    name: str
    text: str
    doubts: list[str]


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    options: str
    cells: Sequence[str]
    doubts: Sequence[str]

    @property
    def is_unique(self) -> bool:
        return all(map(str.strip, self.cells)) and len(set(self.cells)) == len(self.cells)


def propose(sample: Path, name: str | None) -> Proposal:
    """Propose a table for the rows of a CSV file.

    Raises:
        Failure: the file has no rows that can be read.
    """
    table = _identifier(name or _EXTENSION.sub("", sample.name).partition("-")[0], "table")
    first, *rows = _rows(sample)
    has_header = bool(rows) and _is_header(first, rows)
    width = len(first)
    body = rows if has_header else [first, *rows]
    even = [row for row in body if len(row) == width]
    if not even:
        raise Failure(f"{sample} has no rows of {width} columns; give a CSV file with commas.")
    doubts = []
    if len(even) < len(body):
        doubts.append(
            f"{len(body) - len(even)} of {len(body)} rows do not have {width} columns; they "
            "will be rejected."
        )
    if not has_header:
        doubts.append(
            "The sample has no header, so the columns are named by their places; rename them."
        )
    names = _names(first if has_header else [f"column_{at + 1}" for at in range(width)])
    if has_header and [cell.strip().casefold() for cell in first] != names:
        doubts.append(
            "A header must have the fields' names. Change the first line of the file to: "
            f"{','.join(names)}"
        )
    columns = [_column(one, [row[at] for row in even]) for at, one in enumerate(names)]
    key, doubt = _key(columns)
    doubts += [doubt] if doubt else []
    return Proposal(table, _text(table, columns, key, doubts), [*doubts, *_of_columns(columns)])


def problem() -> str:
    """What is wrong with the dictionary as it is in the checkout now; empty if nothing."""
    words = [sys.executable, "-c", "from shared import tables; tables.all_tables()"]
    done = subprocess.run(  # noqa: S603  # nosec B603 # this very program
        words, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stderr.strip().splitlines()[-1].partition(": ")[2] if done.returncode else ""


def _rows(sample: Path) -> list[list[str]]:
    try:
        opened = gzip.open if sample.suffix == ".gz" else open
        with opened(sample, "rt", encoding="utf-8-sig", newline="") as file:
            found = [row for row in islice(csv.reader(file, strict=True), _MOST_ROWS) if any(row)]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise Failure(f"{sample} cannot be read as CSV in UTF-8: {error}.") from error
    if not found:
        raise Failure(f"{sample} has no rows; give a CSV file with some.")
    return found


def _is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has names: each different, and none that only later rows would have."""
    if len(set(first)) < len(first) or not all(re.search("[A-Za-z]", cell) for cell in first):
        return False
    typed = [kind() for name, kind in KINDS.items() if name != _FALLBACK]
    if any(_fits(kind, cell) for kind in typed for cell in first):
        return False
    has_typed = any(_fits(kind, cell) for kind in typed for row in rows[:100] for cell in row)
    # Nothing distinguishes a header from a row of texts but its being a list of names.
    return has_typed or all(re.fullmatch(r"[A-Za-z_][\w ]*", cell) for cell in first)


def _column(name: str, cells: Sequence[str]) -> _Column:
    filled = [cell for cell in cells if cell.strip()]
    doubts = []
    if len(filled) < len(cells):
        doubts.append(
            f"{len(cells) - len(filled)} of {len(cells)} cells are empty; rows without a value are "
            "rejected."
        )
    kind = _FALLBACK
    for narrower in KINDS:
        if narrower == _FALLBACK or not filled:
            continue
        fitting = sum(_fits(KINDS[narrower](), cell) for cell in filled)
        if fitting == len(filled):
            kind = narrower
            break
        if fitting >= _WORTH_A_WORD * len(filled):
            other = next(cell for cell in filled if not _fits(KINDS[narrower](), cell))
            doubts.append(
                f"{fitting} of {len(filled)} values fit {narrower}(), which would reject the "
                f"others, such as {other[:40]!r}."
            )
    longest = max(map(len, filled), default=0)
    options = f"max_length={longest}, " if kind == _FALLBACK and longest > MAX_TEXT else ""
    made = Text(max_length=longest) if options else KINDS[kind]()
    if wrong := [cell for cell in filled if not _fits(made, cell)]:
        doubts.append(f"{len(wrong)} values will be rejected, such as {wrong[0][:40]!r}.")
    return _Column(name, kind, options, cells, doubts)


def _fits(kind: Kind, cell: str) -> bool:
    try:
        kind.deserialize(Cell(cell))
    except ValidationError:
        return False
    return True


def _key(columns: Sequence[_Column]) -> tuple[tuple[str, ...], str]:
    """The key, and what is doubtful about it."""
    unique = [one for one in columns if one.is_unique]
    named = [one for one in unique if one.name == "id" or one.name.endswith("_id")]
    if found := (named or [one for one in unique if one.kind != _FALLBACK] or unique):
        others = [one.name for one in unique if one is not found[0]]
        also = f" {', '.join(others)} would do, too." if others else ""
        return (
            found[0].name,
        ), f"The key is {found[0].name}, whose values are all different.{also}"
    for pair in combinations([one for one in columns if all(map(str.strip, one.cells))], 2):
        if len(set(zip(*(one.cells for one in pair), strict=True))) == len(pair[0].cells):
            names = tuple(one.name for one in pair)
            return (
                names,
                f"No column is different in every row, but {' and '.join(names)} together are.",
            )
    return (
        (columns[0].name,),
        f"No one or two columns identify a row; with {columns[0].name} as the key, later rows "
        "replace earlier ones.",
    )


def _of_columns(columns: Sequence[_Column]) -> list[str]:
    return [f"{one.name}: {doubt}" for one in columns for doubt in one.doubts]


def _references(columns: Sequence[_Column]) -> Iterator[tuple[str, str]]:
    """Columns that look like keys of other tables, each with the table."""
    known = tables.all_tables()
    for column in columns:
        stem = column.name.removesuffix("_id")
        for table in known.values():
            if (
                stem != column.name
                and table.name in (stem, f"{stem}s", f"{stem}es")
                and table.key == ("id",)
            ):
                yield column.name, table.name


def _text(table: str, columns: Sequence[_Column], key: Sequence[str], doubts: Sequence[str]) -> str:
    kinds = sorted({one.kind for one in columns} | {"Row", "Table"})
    lines = [f'"""{table}: what its rows are."""', ""]
    lines += [f"# {doubt}" for doubt in doubts]
    lines += [f"from shared.tables import {', '.join(kinds)}", "", ""]
    schema = "".join(map(str.capitalize, table.split("_"))) + "Row"
    lines += [f"class {schema}(Row):"]
    lines += [f'    """A row of {table}."""', ""]
    for one in columns:
        lines += [f"    # {doubt}" for doubt in one.doubts]
        meaning = one.name.replace("_", " ").capitalize()
        lines.append(f'    {one.name} = {one.kind}({one.options}description="{meaning}")')
    lines += ["", ""]
    for field, parent in _references(columns):
        reference = f'references=(Reference("{field}", "{parent}"),)'
        lines.append(f"# If {field} is the id of a row of {parent}: {reference}")
    keyed = "" if tuple(key) == ("id",) else f", key={tuple(key)!r}".replace("'", '"')
    lines.append(f'TABLE = Table(name="{table}", schema={schema}{keyed})')
    return "\n".join(lines) + "\n"


def _names(cells: Sequence[str]) -> list[str]:
    found: list[str] = []
    for at, cell in enumerate(cells):
        name = _identifier(cell, f"column_{at + 1}")
        found.append(name if name not in found else f"{name}_{at + 1}")
    return found


def _identifier(text: str, otherwise: str) -> str:
    """A name that the dictionary takes, as close to the text as that allows."""
    name = _NOT_IN_NAMES.sub("_", text.strip().casefold()).strip("_")[:63]
    if not name or not name[0].isalpha():
        name = f"{otherwise}_{name}".strip("_")[:63]
    # The platform's own columns have these names.
    return f"{name}_value"[:63] if name in (*stored.COLUMNS, "position") else name
