"""Creates and evolves datasets, tables and views. May run at any time, even twice at once."""

from __future__ import annotations

from datetime import timedelta

from shared.database.sql import composed
from shared.errors import ConfigurationError
from shared.lazy import bigquery
from shared.tables.kind import Kind
from shared.warehouse import objects, state
from shared.warehouse.bigquery import STAGING_HOURS, Warehouse
from shared.warehouse.columns import Column
from shared.warehouse.errors import mapped
from shared.warehouse.names import SQL, Names, literal, quoted
from shared.warehouse.star import Projection, projections


def apply(
    warehouse: Warehouse,
    location: str,
    staging_age: timedelta = timedelta(hours=STAGING_HOURS),
) -> list[str]:
    """Update the warehouse to match the dictionary and the SQL files.

    Args:
        warehouse: the warehouse to update.
        location: where its datasets are.
        staging_age: staging tables older than this no longer belong to a sync, and are deleted.

    Returns:
        The names of the tables and views, in the order they were made.

    Raises:
        ConfigurationError: a column's type differs from the dictionary's.
        WarehouseUnavailable: try again later.
        WarehouseRefusal: retrying cannot help.
    """
    for dataset in (warehouse.names.warehouse, warehouse.names.reporting):
        _create_dataset(warehouse, dataset, location)
    there = warehouse.table_names()
    done = [_run_file(warehouse, "tables", name) for name in _files("tables")]
    for name in _files("columns"):
        _run_file(warehouse, "columns", name)
    for projection in projections():
        warehouse.query(create_table_sql(warehouse.names, projection))
        done.append(projection.target)
        _evolve(warehouse, projection)
    made = [one.table.name for one in projections() if one.target not in there]
    if made and "sync_state" in there:
        state.forget(warehouse, made)
    warehouse.drop_staging(staging_age)
    # Views last: they may name columns that were added just now.
    return done + objects.apply_views(warehouse)


def create_table_sql(names: Names, projection: Projection) -> str:
    """Create the target of a table, as its place in the warehouse says."""
    cluster = projection.cluster
    return composed(
        """
        create table if not exists {target} (
          {columns}
        )
        {partition}
        {cluster}
        options (description = {description})
        """,
        target=names.table(projection.target),
        columns=",\n".join(map(_column, projection.columns)),
        partition=_partition(projection),
        cluster=f"cluster by {', '.join(map(quoted, cluster))}" if cluster else "",
        description=literal(projection.table.description),
    )


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


def relax_column_sql(names: Names, projection: Projection, column: Column) -> str:
    """Let a column hold NULL that the dictionary has made optional."""
    return composed(
        """
        alter table {target}
        alter column {column} drop not null
        """,
        target=names.table(projection.target),
        column=quoted(column.name),
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


def _column(column: Column) -> str:
    described = f"options (description = {literal(column.description)})"
    null = "" if column.nullable else " not null"
    return f"{quoted(column.name)} {column.type}{null} {described}"


def _partition(projection: Projection) -> str:
    name, by = projection.place.partition, projection.place.partition_by
    if name is None:
        return ""
    kind = next(column.type for column in projection.columns if column.name == name)
    if kind == "DATE" and by == "day":
        return f"partition by {quoted(name)}"
    return f"partition by {kind.lower()}_trunc({quoted(name)}, {by})"


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


def _evolve(warehouse: Warehouse, projection: Projection) -> None:
    """Add the columns that the dictionary has gained, with their values in PostgreSQL."""
    with mapped():
        target = warehouse.client.get_table(warehouse.names.plain(projection.target), timeout=60)
    there = {field.name: field for field in target.schema}
    for column in projection.columns:
        found = there.get(column.name)
        if found is None:
            warehouse.query(add_column_sql(warehouse.names, projection, column))
        elif objects.LEGACY.get(found.field_type, found.field_type) != column.type:
            raise ConfigurationError(
                f"Column {column.name!r} of {projection.target!r} is {found.field_type} in "
                f"BigQuery and {column.type} in the dictionary. Nothing was changed; copy the "
                "table with the new type, or give the field another name."
            )
        elif found.mode == "REQUIRED" and column.nullable:
            warehouse.query(relax_column_sql(warehouse.names, projection, column))
        # Fill existing columns too: an earlier run may have died before it filled them.
        if found is None or found.mode == "NULLABLE":
            _fill(warehouse, projection, column)


def _fill(warehouse: Warehouse, projection: Projection, column: Column) -> None:
    if column.name in projection.derived:
        value = projection.of_target(column.name)
        warehouse.query(fill_column_sql(warehouse.names, projection, column, value))
        return
    fields = {
        projection.place.rename.get(name, name): field
        for name, field in projection.table.fields.items()
    }
    field: Kind | None = fields.get(column.name)
    if field is None or field.default is None or field.nullable:
        return
    warehouse.query(
        fill_column_sql(warehouse.names, projection, column),
        {"value": (column.type, field.default)},
    )
