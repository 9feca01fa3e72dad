"""Reads the rows of a table as they are stored, in the order of their keys.

A page begins after the key that the one before it ended with. So no page skips or repeats a row
that stays, however many rows are inserted or deleted meanwhile.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from marshmallow import ValidationError

from shared.database.engine import transaction
from shared.database.sql import columns, composed, qualified, quoted
from shared.lazy import sqlalchemy as sa
from shared.tables import stored
from shared.tables.kind import Cell
from shared.tables.table import Table

_ROWS_AT_ONCE = 2000
_POSITION = re.compile("[0-9]{1,18}", re.ASCII).fullmatch
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE).fullmatch

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """Which rows to read; None is no limit.

    Attributes:
        first: the first key.
        last: the last key.
        since: accepted at that moment or later.
    """

    first: Key | None = None
    last: Key | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Page:
    """Some rows, and whether more follow."""

    rows: list[dict[str, Any]]
    is_followed: bool


def parse_key(table: Table, text: str) -> Key:
    """Parse a key: the value as a CSV cell has it; of several fields, a line of CSV.

    Raises:
        ValueError: it is not a key of the table; the text says why.
    """
    names = stored.key(table)
    try:
        cells = [text]
        if len(names) > 1:
            cells = next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error as error:
        raise ValueError(f"is a line of CSV with {', '.join(names)}: {error}") from None
    if len(cells) != len(names):
        raise ValueError(f"has {len(cells)} values; the key is {', '.join(names)}")
    return tuple(map(_value, [table] * len(cells), names, map(Cell, cells)))


def key_text(table: Table, row: Mapping[str, Any]) -> str:
    """Write the key of a row in the form that `parse_key` reads."""
    texts = [_text(row[name]) for name in stored.key(table)]
    if len(texts) == 1:
        return texts[0]
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(texts)
    return line.getvalue().removesuffix("\n")


def page(engine: sa.Engine, table: Table, within: Range, after: Key | None, most: int) -> Page:
    """Read a page of rows.

    Raises:
        TransientError: try again.
    """
    rows = _read(engine, table, within, after, most + 1)
    return Page(rows[:most], len(rows) > most)


def find(engine: sa.Engine, table: Table, key: Key) -> dict[str, Any] | None:
    """Return the row with a key, or None.

    Raises:
        TransientError: try again.
    """
    return next(iter(_read(engine, table, Range(key, key), None, 1)), None)


def rows(
    engine: sa.Engine, table: Table, within: Range, after: Key | None = None
) -> Iterator[dict[str, Any]]:
    """Yield all rows.

    They are read in pages, and no transaction is open while the caller uses them.

    Raises:
        TransientError: before the first one, try again; after it, the iterator ends early.
    """
    while True:
        found = _read(engine, table, within, after, _ROWS_AT_ONCE)
        yield from found
        if len(found) < _ROWS_AT_ONCE:
            return
        after = tuple(found[-1][name] for name in stored.key(table))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _value(table: Table, name: str, given: Any) -> Any:
    if name not in table.fields:
        return _own_value(name, given)
    try:
        return table.fields[name].deserialize(given)
    except ValidationError as error:
        refusal: Any = error.messages[0]
        raise ValueError(f"is no {name} of {table.name} ({refusal.code})") from None


def _own_value(name: str, given: str) -> UUID | int:
    if name == stored.POSITION and _POSITION(given):
        return int(given)
    if name == stored.LOAD_ID and _UUID(given):
        return UUID(given)
    raise ValueError(f"is no {name}")


def _read(
    engine: sa.Engine, table: Table, within: Range, after: Key | None, most: int
) -> list[dict[str, Any]]:
    given = {"after": after, "first": within.first, "last": within.last}
    bounds = tuple(name for name, key in given.items() if key is not None)
    values: dict[str, Any] = {"most": most}
    for name in bounds:
        values |= {f"{name}_{at}": value for at, value in enumerate(given[name] or ())}
    if within.since is not None:
        values["since"] = within.since
    query = sa.text(select(table, bounds, has_since=within.since is not None))
    with transaction(engine) as connection:
        found = connection.execute(query, values).mappings()
        return [_of_selected(table, dict(row)) for row in found]


def _of_selected(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    known = stored.columns(table)
    return {
        name: None if value is None else known[name].of_selected(value)
        for name, value in row.items()
    }


@cache
def select(table: Table, bounds: Sequence[str], *, has_since: bool) -> str:
    """Compose the query: names of the dictionary only, values are parameters.

    Args:
        table: the table.
        bounds: which of `after`, `first` and `last` limit the keys.
        has_since: whether rows must have been accepted at a moment or later.
    """
    signs = {"after": ">", "first": ">=", "last": "<="}
    conditions = [
        f"({columns(stored.key(table))}) {signs[b]} ({_parameters(table, b)})" for b in bounds
    ]
    if has_since:
        conditions.append(f"{quoted(stored.ACCEPTED_AT)} >= cast(:since as timestamptz)")
    return composed(
        """
        select {columns}
        from {target}
        {where}
        order by {key}
        limit :most
        """,
        columns=", ".join(
            quoted(name)
            if one.select_sql == "{}"
            else f"{one.select_sql.format(quoted(name))} as {quoted(name)}"
            for name, one in stored.columns(table).items()
        ),
        target=qualified(table.name),
        where="where " + "\n    and ".join(conditions) if conditions else "",
        key=columns(stored.key(table)),
    )


def _parameters(table: Table, bound: str) -> str:
    types = stored.columns(table)
    return ", ".join(
        f"cast(:{bound}_{at} as {types[name].postgres_type})"
        for at, name in enumerate(stored.key(table))
    )
