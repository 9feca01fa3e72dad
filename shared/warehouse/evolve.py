"""Plans how a table of the warehouse becomes the dictionary's, or finds what cannot be done.

BigQuery adds a column to existing rows as NULL, so the table is filled anew by the next sweep. A
column that the dictionary no longer has stays, and may be NULL: the release before goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.database.sql import composed
from shared.tables.kind import Kind
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.columns import Column
from shared.warehouse.errors import mapped
from shared.warehouse.names import Names, quoted
from shared.warehouse.star import Projection

# The types that tables.get returns, and their names in DDL.
LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_WIDER = {("NUMERIC", "BIGNUMERIC")}


@dataclass
class Change:
    """What becomes of a table.

    Attributes:
        statements: what changes it, in order, each with its parameters.
        refusals: why nothing may be done, a sentence each.
        adds_columns: whether it gets columns, so that its rows must be synced again.
    """

    statements: list[tuple[str, Mapping[str, tuple[str, Any]]]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    adds_columns: bool = False

    def do(self, sql: str, parameters: Mapping[str, tuple[str, Any]] | None = None) -> None:
        """Add a statement."""
        self.statements.append((sql, parameters or {}))


def plan(warehouse: Warehouse, projection: Projection) -> Change:
    """Compare a table that exists with the dictionary; changes nothing.

    Raises:
        WarehouseUnavailable: try again later.
    """
    with mapped():
        table = warehouse.client.get_table(warehouse.names.plain(projection.target), timeout=60)
    names, change = warehouse.names, Change()
    there = {one.name: one for one in table.schema}
    for column in projection.columns:
        found = there.get(column.name)
        if found is None:
            _add(names, projection, column, change, there)
        else:
            _compare(names, projection, column, found, change)
        # Fill existing columns, too: the release before leaves them NULL.
        if found is None or found.mode == "NULLABLE":
            for statement, parameters in _filled(names, projection, column):
                change.do(statement, parameters)
    known = {column.name for column in projection.columns}
    for name, found in there.items():
        if name not in known and found.mode == "REQUIRED":
            change.do(relax_column_sql(names, projection, name))
    return change


def _add(
    names: Names,
    projection: Projection,
    column: Column,
    change: Change,
    there: Mapping[str, Any],
) -> None:
    was = next((one for one in projection.earlier_names(column.name) if one in there), None)
    if was is not None and column.name == projection.place.partition:
        change.refusals.append(
            f"{projection.target}: it is partitioned by {was}, which cannot become {column.name}. "
            f'Keep its name there: Warehouse(rename={{"{column.name}": "{was}"}}).'
        )
    change.adds_columns = True
    change.do(add_column_sql(names, projection, column))
    if was is not None:
        change.do(fill_column_sql(names, projection, column, quoted(was)))


def _compare(
    names: Names, projection: Projection, column: Column, found: Any, change: Change
) -> None:
    kind = LEGACY.get(found.field_type, found.field_type)
    if (kind, column.type) in _WIDER:
        change.do(widen_column_sql(names, projection, column))
    elif kind != column.type:
        remake = remake_column_sql(names, projection, column)
        change.refusals.append(
            f"{projection.target}: {column.name} is {kind} in BigQuery and {column.type} in the "
            "dictionary. Give the field another name; or, if no value is lost, make the table "
            f"anew, with its partitions and clusters: {' '.join(remake.split())};"
        )
    if column.nullable and found.mode == "REQUIRED":
        change.do(relax_column_sql(names, projection, column.name))


def _filled(
    names: Names, projection: Projection, column: Column
) -> Iterator[tuple[str, Mapping[str, tuple[str, Any]]]]:
    if column.name in projection.derived:
        value = projection.of_target(column.name)
        yield fill_column_sql(names, projection, column, value), {}
        return
    field: Kind | None = projection.field_of(column.name)
    if field is not None and field.default is not None and not field.nullable:
        sql = fill_column_sql(names, projection, column)
        yield sql, {"value": (column.type, field.default)}


def add_column_sql(names: Names, projection: Projection, column: Column) -> str:
    """Add a column that the dictionary has gained."""
    return composed(
        """
        alter table {target}
        add column if not exists {column} {type}
        """,
        target=names.table(projection.target),
        column=quoted(column.name),
        type=column.type,
    )


def relax_column_sql(names: Names, projection: Projection, name: str) -> str:
    """Let a column hold NULL that the dictionary has made optional, or no longer has."""
    return composed(
        """
        alter table {target}
        alter column {column} drop not null
        """,
        target=names.table(projection.target),
        column=quoted(name),
    )


def widen_column_sql(names: Names, projection: Projection, column: Column) -> str:
    """Let a column hold larger numbers."""
    return composed(
        """
        alter table {target}
        alter column {column} set data type {type}
        """,
        target=names.table(projection.target),
        column=quoted(column.name),
        type=column.type,
    )


def remake_column_sql(names: Names, projection: Projection, column: Column) -> str:
    """Make a table anew with another type of a column, as an operator may do."""
    return composed(
        """
        create or replace table {target} as
        select * replace (cast({column} as {type}) as {column})
        from {target}
        """,
        target=names.table(projection.target),
        column=quoted(column.name),
        type=column.type,
    )


def fill_column_sql(
    names: Names, projection: Projection, column: Column, value: str = "@value"
) -> str:
    """Set a column to a value in the rows in which it is null."""
    return composed(
        """
        update {target}
        set {column} = {value}
        where {column} is null
        """,
        value=value,
        target=names.table(projection.target),
        column=quoted(column.name),
    )
