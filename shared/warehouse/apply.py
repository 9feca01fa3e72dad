"""Create and evolve datasets, tables and views; may be called at any time, and twice at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.errors import ConfigurationError
from shared.lazy import bigquery
from shared.tables.kind import Kind
from shared.warehouse.bigquery import STAGING_HOURS, Warehouse
from shared.warehouse.errors import mapped
from shared.warehouse.names import SQL, quoted
from shared.warehouse.star import Projection, projections

# What tables.get answers for what DDL calls otherwise.
_LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def apply(
    warehouse: Warehouse,
    location: str,
    forgotten: timedelta = timedelta(hours=STAGING_HOURS),
) -> list[str]:
    """Bring the warehouse up to date with the dictionary and the SQL files.

    Args:
        warehouse: which.
        location: where its datasets lie.
        forgotten: staging tables older than this belong to no sync any more, and go.

    Returns:
        The objects that are there now, in the order they were made.

    Raises:
        ConfigurationError: a column has another type than the dictionary says.
        WarehouseUnavailable: try again later.
        WarehouseRefusal: never.
    """
    for dataset in (warehouse.names.warehouse, warehouse.names.reporting):
        _create_dataset(warehouse, dataset, location)
    done = [_run_file(warehouse, "tables", name) for name in _files("tables")]
    for projection in projections():
        if not projection.in_star:
            warehouse.query(_create_table(warehouse, projection))
            done.append(projection.target)
        _evolve(warehouse, projection)
    warehouse.drop_staging(forgotten)
    # Views last: they name columns that may only just have come.
    return done + [_run_file(warehouse, "views", name) for name in _files("views")]


def _files(folder: str) -> list[str]:
    return sorted(path.stem for path in (SQL / folder).glob("*.sql"))


def _run_file(warehouse: Warehouse, folder: str, name: str) -> str:
    warehouse.query(warehouse.names.text(folder, name))
    return name


def _create_dataset(warehouse: Warehouse, name: str, location: str) -> None:
    dataset = bigquery.Dataset(f"{warehouse.names.project}.{name}")
    dataset.location = location
    with mapped():
        warehouse.client.create_dataset(dataset, exists_ok=True, timeout=60)


def _create_table(warehouse: Warehouse, projection: Projection) -> str:
    columns = ",\n  ".join(f"{quoted(c.name)} {c.type} not null" for c in projection.projected)
    # At most four columns can cluster a table.
    key = ", ".join(quoted(name) for name in projection.key[:4])
    return (
        f"create table if not exists {warehouse.names.table(projection.target)} (\n"
        f"  {columns}\n)\ncluster by {key}"
    )


def _evolve(warehouse: Warehouse, projection: Projection) -> None:
    """Add the columns that the dictionary has gained, and fill them as PostgreSQL has."""
    with mapped():
        there = {
            found.name: found
            for found in warehouse.client.get_table(
                warehouse.names.plain(projection.target), timeout=60
            ).schema
        }
    for column in projection.projected:
        found = there.get(column.name)
        if found is None:
            warehouse.query(
                f"alter table {warehouse.names.table(projection.target)} "
                f"add column if not exists {quoted(column.name)} {column.type}"
            )
        elif _LEGACY.get(found.field_type, found.field_type) != column.type:
            raise ConfigurationError(
                f"Column {column.name!r} of {projection.target!r} is {found.field_type} in "
                f"BigQuery and {column.type} in the dictionary. Nothing was changed; copy the "
                "table with the new type, or give the field another name."
            )
        if found is None or found.mode == "NULLABLE":
            _fill(warehouse, projection, column.name)


def _fill(warehouse: Warehouse, projection: Projection, column: str) -> None:
    # Also for a column that was there already: an earlier call may have been cut off before this.
    fields = {
        projection.place.renamed.get(name, name): field
        for name, field in projection.table.fields.items()
    }
    field: Kind | None = fields.get(column)
    if field is None or field.required:
        return
    kind = next(c.type for c in projection.projected if c.name == column)
    default: Any = field.load_default
    # Names of the dictionary, quoted.
    target, name = warehouse.names.table(projection.target), quoted(column)
    warehouse.query(
        f"update {target} set {name} = @value where {name} is null",  # noqa: S608
        {"value": (kind, default)},
    )
