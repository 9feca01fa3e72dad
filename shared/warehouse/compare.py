"""Compares a table in BigQuery with PostgreSQL: by buckets of rows, then row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.lazy import sqlalchemy as sa
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.checksums import Side, bigquery_side, cells_of, postgres_side
from shared.warehouse.star import Projection

# Digits of a bucket's name: 256 buckets, each of which may be divided into 256.
COARSE, FINE = 2, 4

Kind = Literal["missing", "extra", "changed", "repeated"]
KINDS: tuple[Kind, ...] = ("missing", "extra", "changed", "repeated")


@dataclass(frozen=True)
class Limits:
    """How much work to spend on finding the rows that differ.

    Attributes:
        divided_rows: if the buckets that differ have more rows than this, they are divided.
        most_rows: if the divided buckets that differ still have more rows than this, the rows are
            not compared.
    """

    divided_rows: int = 5_000
    most_rows: int = 50_000


LIMITS = Limits()


class RowDifference(msgspec.Struct, frozen=True):
    """A row that differs between the two sides."""

    kind: Kind
    key: dict[str, Any]
    fields: Annotated[list[str], Meta(description="The fields of a changed row that differ.")]


@dataclass(frozen=True)
class Comparison:
    """How the two sides of a table compare.

    Attributes:
        projection: the table.
        postgres_rows: how many rows PostgreSQL has.
        bigquery_rows: how many rows BigQuery has.
        digits: how many digits the name of a bucket has.
        buckets: the buckets that differ.
        differences: the rows in them that differ; None if they had too many rows to compare.
    """

    projection: Projection
    postgres_rows: int
    bigquery_rows: int
    digits: int
    buckets: tuple[str, ...]
    differences: tuple[RowDifference, ...] | None

    @property
    def agrees(self) -> bool:
        """Whether both sides are the same."""
        return not self.buckets

    def count(self, kind: Kind) -> int | None:
        """Count the differences of this kind; None if rows were not compared."""
        if self.differences is None:
            return None
        return sum(1 for found in self.differences if found.kind == kind)


@dataclass(frozen=True)
class _Party:
    # A side, and the function that runs a statement about some buckets there.
    side: Side
    ask: Callable[[str, Sequence[str]], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class _Level:
    # The buckets of this many digits that differ, and the number of rows in them and in all.
    digits: int
    buckets: tuple[str, ...]
    rows_inside: int
    rows: tuple[int, int]


def compare(
    connection: sa.Connection,
    warehouse: Warehouse,
    projection: Projection,
    limits: Limits = LIMITS,
) -> Comparison:
    """Compare a table, as the caller's transaction sees it, with its table in BigQuery.

    Raises:
        WarehouseUnavailable, DatabaseUnavailable: try again later.
    """
    parties = _postgres(connection, projection), _bigquery(warehouse, projection)
    level = coarse = _level(parties, COARSE)
    if coarse.rows_inside > limits.divided_rows:
        level = _level(parties, FINE, coarse)
    few = level.rows_inside <= limits.most_rows
    differences = _differences(parties, level) if few else None
    return Comparison(projection, *coarse.rows, level.digits, level.buckets, differences)


def _postgres(connection: sa.Connection, projection: Projection) -> _Party:
    def ask(statement: str, buckets: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        values = {"buckets": list(buckets)} if buckets else {}
        return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]

    return _Party(postgres_side(projection), ask)


def _bigquery(warehouse: Warehouse, projection: Projection) -> _Party:
    def ask(statement: str, buckets: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        values = {"buckets": ("STRING", list(buckets))} if buckets else {}
        return warehouse.query(statement, values)

    return _Party(bigquery_side(projection, warehouse.names), ask)


def _level(parties: tuple[_Party, _Party], digits: int, within: _Level | None = None) -> _Level:
    ours, theirs = (_sums(party, digits, within) for party in parties)
    differing = sorted(b for b in ours.keys() | theirs.keys() if ours.get(b) != theirs.get(b))
    inside, total = [], []
    for sums in (ours, theirs):
        inside.append(sum(sums[bucket][0] for bucket in differing if bucket in sums))
        total.append(sum(count for count, _, _ in sums.values()))
    return _Level(digits, tuple(differing), max(inside), (total[0], total[1]))


def _sums(party: _Party, digits: int, within: _Level | None) -> dict[str, tuple[int, int, int]]:
    outer = (within.digits, within.buckets) if within else (0, ())
    found = party.ask(party.side.buckets(digits, outer[0]), outer[1])
    return {
        row["bucket"]: (int(row["row_count"]), int(row["first"]), int(row["second"]))
        for row in found
    }


def _differences(parties: tuple[_Party, _Party], level: _Level) -> tuple[RowDifference, ...]:
    if not level.buckets:
        return ()
    ours, theirs = (_rows(party, level) for party in parties)
    side = parties[0].side
    keys = {cells: found[0].key for cells, found in (theirs | ours).items()}
    differences = []
    for cells, key in sorted(keys.items(), key=lambda item: list(map(_comparable, item[1]))):
        named = dict(zip(side.key, key, strict=True))
        of_key = [[row.cells for row in found.get(cells, [])] for found in (ours, theirs)]
        difference = _difference(side, named, *of_key)
        if difference is not None:
            differences.append(difference)
    return tuple(differences)


@dataclass(frozen=True)
class _Row:
    # A row's key, as the driver returns it, and its columns in their common form.
    key: tuple[Any, ...]
    cells: str


def _rows(party: _Party, level: _Level) -> dict[tuple[str, ...], list[_Row]]:
    """Return the rows by their key in its common form: the drivers have different types for it."""
    found: dict[tuple[str, ...], list[_Row]] = {}
    for row in party.ask(party.side.rows(level.digits), level.buckets):
        key = tuple(row[f"key_{number}"] for number in range(len(party.side.key)))
        cells = cells_of(party.side, row["cells"])
        common = tuple(cells[name] for name in party.side.key)
        found.setdefault(common, []).append(_Row(key, row["cells"]))
    return found


def _comparable(value: Any) -> tuple[bool, Any]:
    return value is None, str(value) if isinstance(value, UUID | dict | list) else value


def _difference(
    side: Side, key: dict[str, Any], ours: list[str], theirs: list[str]
) -> RowDifference | None:
    if not theirs:
        return RowDifference("missing", key, [])
    if not ours:
        return RowDifference("extra", key, [])
    if len(theirs) > 1:
        return RowDifference("repeated", key, [])
    if ours == theirs:
        return None
    # Both sides have the columns in the same order.
    mine, other = (cells_of(side, text) for text in (ours[0], theirs[0]))
    return RowDifference("changed", key, [name for name in mine if mine[name] != other[name]])
