"""Creates and evolves datasets, tables and views. May run at any time, even twice at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from shared.database.sql import composed
from shared.errors import ConfigurationError
from shared.lazy import bigquery
from shared.warehouse import objects, state
from shared.warehouse.bigquery import STAGING_HOURS, Warehouse
from shared.warehouse.columns import Column
from shared.warehouse.errors import mapped
from shared.warehouse.evolve import Change, plan
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
        ConfigurationError: a table cannot become the dictionary's; nothing was changed, and the
            text says which and what to do.
        WarehouseUnavailable: try again later.
        WarehouseRefusal: retrying cannot help.
    """
    for dataset in (warehouse.names.warehouse, warehouse.names.reporting):
        _create_dataset(warehouse, dataset, location)
    there = warehouse.table_names()
    changes = _planned(warehouse, there)
    made = [one.table.name for one in projections() if one.target not in there]
    made += [name for name, change in changes.items() if change.adds_columns]
    if made and "sync_state" in there:
        # First: if this dies halfway, the next sweep fills them, nevertheless.
        state.forget(warehouse, made)
    done = [_run_file(warehouse, "tables", name) for name in _files("tables")]
    for name in _files("columns"):
        _run_file(warehouse, "columns", name)
    for projection in projections():
        warehouse.query(create_table_sql(warehouse.names, projection))
        done.append(projection.target)
        for sql, parameters in changes.get(projection.table.name, Change()).statements:
            warehouse.query(sql, parameters)
    warehouse.drop_staging(staging_age)
    # Views last: they may name columns that were added just now.
    return done + objects.apply_views(warehouse)


def _planned(warehouse: Warehouse, there: Collection[str]) -> dict[str, Change]:
    """Plan the changes of the tables that exist, by their names in the dictionary.

    Raises:
        ConfigurationError: there are some that cannot be made.
    """
    found = {one.table.name: plan(warehouse, one) for one in projections() if one.target in there}
    if refusals := [sentence for change in found.values() for sentence in change.refusals]:
        raise ConfigurationError("Nothing was changed, because of:\n" + "\n".join(refusals))
    return found


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
