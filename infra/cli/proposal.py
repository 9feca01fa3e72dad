"""Proposes a table's file from a sample of its rows."""

from __future__ import annotations

import csv
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from keyword import iskeyword
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from infra.cli.errors import Failure
from infra.local.environment import ROOT
from shared import tables
from shared.tables import guards
from shared.tables.kind import Cell, Kind
from shared.tables.kinds import KINDS
from shared.tables.kinds.text import MAX_TEXT
from shared.validation.corrections import is_note

_MOST_ROWS = 100_000
_LONGEST_NAME, _LONGEST_LINE = 56, 100
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
# From this share of cells that fit a narrower kind it is worth a word.
_WORTH_A_WORD = 0.9

_NARROWEST_FIRST = (
    "Integer",
    "Decimal",
    "Float",
    "Boolean",
    "Date",
    "Time",
    "Timestamp",
    "LocalTimestamp",
    "Uuid",
    "Json",
)
"""The kinds whose cells have a form; a column of none of them is a Choice or a Text."""
_NUMBERS = ("Integer", "Decimal", "Float")
_NO_KEYS = ("Float", "Boolean", "Json", "Choice")

_LEADING_ZERO = re.compile(r"-?0\d")
_COUNTS = frozenset(("count", "number", "quantity"))
_DIGITS, _MOST_DIGITS, _MOST_PLACES = 18, 38, 9
# What every number of double precision keeps.
_FLOAT_DIGITS = 15
# From these on a column of texts is a list of choices.
_CHOICE_CELLS, _MOST_CHOICES, _LONGEST_CHOICE = 20, 10, 40
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
    cells: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    doubts: Sequence[str] = ()
    aliases: Sequence[str] = ()

    @property
    def field(self) -> Kind:
        return KINDS[self.kind](**self.options)

    @property
    def is_unique(self) -> bool:
        return self.is_filled and len(set(self.cells)) == len(self.cells)

    @property
    def is_filled(self) -> bool:
        return all(map(str.strip, self.cells))


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
    aliases = _aliases(first, names) if has_header else [()] * width
    if aliases is None:
        aliases = [()] * width
        doubts.append(
            "The header has names that files cannot have. Change the first line of the file to: "
            f"{','.join(names)}"
        )
    columns = [
        _column(name, [row[at] for row in even], aliases[at]) for at, name in enumerate(names)
    ]
    key, doubt = _key(columns)
    doubts += [doubt] if doubt else []
    return Proposal(
        table, _text(table, columns, key, doubts), [*doubts, *_of_columns(columns, key)]
    )


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
    typed = [_WITH_A_FORM[name] for name in _NARROWEST_FIRST]
    if any(_fits(kind, cell) for kind in typed for cell in first):
        return False
    has_typed = any(_fits(kind, cell) for kind in typed for row in rows[:100] for cell in row)
    # Nothing distinguishes a header from a row of texts but its being a list of names.
    return has_typed or all(re.fullmatch(r"[A-Za-z_][\w ]*", cell) for cell in first)


def _column(name: str, cells: Sequence[str], aliases: Sequence[str]) -> _Column:
    filled = [cell for cell in cells if cell.strip()]
    kind, doubts = _kind(filled)
    doubts += _warnings(kind, filled)
    options = _options(kind, name, filled)
    made = KINDS[kind](**options)
    if wrong := [cell for cell in filled if not _fits(made, cell)]:
        doubts.append(f"{len(wrong)} values will be rejected, such as {wrong[0][:40]!r}.")
    return _Column(name, kind, cells, options, doubts, aliases)


def _kind(filled: Sequence[str]) -> tuple[str, list[str]]:
    """Return the narrowest kind that all cells fit, and what is doubtful about it."""
    if not filled:
        return "Text", ["All cells are empty."]
    doubts: list[str] = []
    for kind in _NARROWEST_FIRST:
        strange = [cell for cell in filled if not _looks_like(kind, cell)]
        if not strange and _is_wanted(kind, filled):
            return kind, []
        fitting = len(filled) - len(strange)
        if strange and not doubts and fitting >= _WORTH_A_WORD * len(filled):
            doubts.append(
                f"{fitting} of {len(filled)} values fit {kind}(), which would reject the others, "
                f"such as {strange[0][:40]!r}."
            )
            if len(set(strange)) == 1:
                doubts.append(
                    "If that stands for no value, list it in "
                    f'missing=("", {_literal(strange[0][:40])}) of the table.'
                )
    if all(_fits(_WITH_A_FORM["Decimal"], cell) for cell in filled):
        doubts = ["Values begin with zeros, which a number would lose."]
    if all(_fits(_WITH_A_FORM["LocalTimestamp"], cell.replace(" ", "T", 1)) for cell in filled):
        doubts = ["Dates and times are read only with a T between them: 2021-07-27T16:02:08."]
    return "Choice" if _is_choice(filled) else "Text", doubts


def _looks_like(kind: str, cell: str) -> bool:
    if kind in _NUMBERS and _LEADING_ZERO.match(cell):
        return False
    # JSON is also every number, and any text in quotation marks.
    if kind == "Json" and not cell.lstrip().startswith(("{", "[")):
        return False
    return _fits(_WITH_A_FORM[kind], cell)


def _is_wanted(kind: str, cells: Sequence[str]) -> bool:
    """Return whether a kind that fits the cells keeps them, and is what they were written as."""
    if kind == "Decimal":
        whole, places = _digits(cells)
        return places <= _MOST_PLACES and whole <= _MOST_DIGITS
    if kind == "Float":
        return any(re.search("[.eE]", cell) for cell in cells)
    return True


def _is_choice(cells: Sequence[str]) -> bool:
    found = set(cells)
    return (
        len(cells) >= _CHOICE_CELLS
        and 1 < len(found) <= _MOST_CHOICES
        and all(len(one) <= _LONGEST_CHOICE and _fits(_TEXT, one) for one in found)
    )


def _options(kind: str, name: str, cells: Sequence[str]) -> dict[str, Any]:
    """Return the options of a field that all cells fit."""
    match kind:
        case "Integer":
            smallest = min(map(int, cells))
            if smallest >= 1 and _is_id(name):
                return {"minimum": 1}
            return {"minimum": 0} if smallest >= 0 and _COUNTS & set(name.split("_")) else {}
        case "Decimal":
            whole, places = _digits(cells)
            return {"digits": max(_DIGITS, whole + places), "places": places}
        case "Choice":
            return {"of": tuple(sorted(set(cells)))}
        case "Text" if (longest := max(map(len, cells), default=0)) > MAX_TEXT:
            return {"max_length": longest}
    return {}


def _warnings(kind: str, cells: Sequence[str]) -> Iterator[str]:
    """Say what a person should know about a column that becomes this kind."""
    if kind == "Float":
        digits = max(len(re.sub(r"[eE].*|\D", "", cell).strip("0")) for cell in cells)
        if digits > _FLOAT_DIGITS:
            yield (
                f"Values have up to {digits} digits; a Float is only sure to keep {_FLOAT_DIGITS}."
            )
    elif kind == "LocalTimestamp":
        yield (
            "The values have no offset from UTC. If they are moments, name the zone of the clock: "
            'Timestamp(zone="Europe/Berlin").'
        )
    elif kind == "Choice":
        yield "The sample has only these values; a row with another one will be rejected."


def _digits(cells: Sequence[str]) -> tuple[int, int]:
    """Return the most digits before and behind the point."""
    parts = [cell.lstrip("-").partition(".") for cell in cells]
    return max(len(whole) for whole, _, _ in parts), max(len(places) for _, _, places in parts)


def _fits(kind: Kind, cell: str) -> bool:
    try:
        kind.deserialize(Cell(cell))
    except ValidationError:
        return False
    return True


_WITH_A_FORM = {name: KINDS[name].sample() for name in _NARROWEST_FIRST} | {
    "Decimal": KINDS["Decimal"](digits=2 * _MOST_DIGITS, places=_MOST_DIGITS)
}
_TEXT = KINDS["Text"].sample()


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def _key(columns: Sequence[_Column]) -> tuple[tuple[str, ...], str]:
    """The key, and what is doubtful about it."""
    usable = [one for one in columns if one.is_filled and one.kind not in _NO_KEYS]
    unique = [one for one in usable if one.is_unique]
    named = [one for one in unique if _is_id(one.name)]
    numbered = [one for one in unique if one.kind in ("Integer", "Uuid")]
    if found := (named or numbered or [one for one in unique if one.kind != "Text"] or unique):
        others = [one.name for one in unique if one is not found[0]]
        also = f" {', '.join(others)} would do, too." if others else ""
        return (
            found[0].name,
        ), f"The key is {found[0].name}, whose values are all different.{also}"
    able = [one for one in columns if KINDS[one.kind].sample().key_bytes is not None]
    for pair in combinations([one for one in able if one.is_filled], 2):
        if len(set(zip(*(one.cells for one in pair), strict=True))) == len(pair[0].cells):
            names = tuple(one.name for one in pair)
            return (
                names,
                f"No column is different in every row, but {' and '.join(names)} together are.",
            )
    if not able:
        return (), "No column can identify a row, so each row that is sent is stored once."
    # Rows without a value in the key are rejected.
    fullest = max(able, key=lambda one: sum(map(bool, map(str.strip, one.cells))))
    return (
        (fullest.name,),
        f"No one or two columns identify a row; with {fullest.name} as the key, later rows "
        "replace earlier ones.",
    )


def _of_columns(columns: Sequence[_Column], key: Sequence[str]) -> list[str]:
    return [f"{one.name}: {doubt}" for one in columns for doubt in _doubts(one, key)]


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
                and table.fields["id"].postgres_type == column.field.postgres_type
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
        lines += [f"    # {doubt}" for doubt in _doubts(one, key)]
        lines += _call(f"{one.name} = {one.kind}", _arguments(one, key), "    ")
    lines += ["", ""]
    for name, parent in _references(columns):
        reference = f'references=(Reference("{name}", "{parent}"),)'
        lines.append(f"# If {name} is the id of a row of {parent}: {reference}")
    arguments: dict[str, str] = {"name": _literal(table), "schema": schema}
    if tuple(key) != ("id",):
        arguments["key"] = _literal(tuple(key))
    if blank := sorted(
        {cell for one in columns for cell in one.cells if cell and not cell.strip()}
    ):
        arguments["missing"] = _literal(("", *blank))
    lines += _call("TABLE = Table", [f"{name}={value}" for name, value in arguments.items()], "")
    return "\n".join(lines) + "\n"


def _doubts(column: _Column, key: Sequence[str]) -> Iterator[str]:
    yield from column.doubts
    if column.name in key and not column.is_filled:
        empty = sum(not cell.strip() for cell in column.cells)
        yield (
            f"{empty} of {len(column.cells)} cells are empty; rows without a value are rejected, "
            "since it is the key."
        )


def _arguments(column: _Column, key: Sequence[str]) -> Iterator[str]:
    yield from (f"{name}={_literal(value)}" for name, value in column.options.items())
    yield f"description={_literal(column.name.replace('_', ' ').capitalize())}"
    if not column.is_filled and column.name not in key:
        yield "optional=True"
    if column.aliases:
        yield f"aliases={_literal(tuple(column.aliases))}"


def _call(called: str, arguments: Iterable[str], indent: str) -> Iterator[str]:
    """Write a call on one line, or with each argument on its own."""
    arguments = list(arguments)
    line = f"{indent}{called}({', '.join(arguments)})"
    if len(line) <= _LONGEST_LINE:
        yield line
        return
    yield f"{indent}{called}("
    yield from (f"{indent}    {argument}," for argument in arguments)
    yield f"{indent})"


def _literal(value: Any) -> str:
    """Write a value in Python, with double quotation marks."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _names(cells: Sequence[str]) -> list[str]:
    """Return a name for each column; cells that are names already keep them."""
    wanted = [_identifier(cell, f"column_{at + 1}") for at, cell in enumerate(cells)]
    taken = {name for name, cell in zip(wanted, cells, strict=True) if _is_called(cell, name)}
    found: list[str] = []
    for at, (name, cell) in enumerate(zip(wanted, cells, strict=True)):
        is_free = name not in found and (name not in taken or _is_called(cell, name))
        suffix = f"_{at + 1}"
        found.append(name if is_free else name[: _LONGEST_NAME - len(suffix)] + suffix)
    return found


def _aliases(cells: Sequence[str], names: Sequence[str]) -> list[tuple[str, ...]] | None:
    """Return the further name of each column that needs one; None if a file cannot have them."""
    headed = [cell.strip() for cell in cells]
    folded = [cell.casefold() for cell in headed]
    if len(set(folded)) < len(folded) or any(map(is_note, folded)):
        return None
    if any(cell in names and cell != name for cell, name in zip(folded, names, strict=True)):
        return None
    return [
        () if _is_called(cell, name) else (cell,) for cell, name in zip(headed, names, strict=True)
    ]


def _is_called(cell: str, name: str) -> bool:
    return cell.strip().casefold() == name


def _identifier(text: str, otherwise: str) -> str:
    """A name that the dictionary takes, as close to the text as that allows."""
    name = _NOT_IN_NAMES.sub("_", text.strip().casefold()).strip("_")[:_LONGEST_NAME]
    if not name or not name[0].isalpha():
        name = f"{otherwise}_{name}".strip("_")[:_LONGEST_NAME]
    # Columns of the platform have these names, and Python's own words name no field.
    return f"{name}_value" if name in guards.OWN_FIELDS or iskeyword(name) else name
