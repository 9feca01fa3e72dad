"""Staging tables of a sync: loads one from an export, checks it, and deletes it afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from shared.errors import TablegateError, TransientError, WarehouseDiffers
from shared.storage import ObjectStore
from shared.warehouse import merge_sql
from shared.warehouse.bigquery import STAGING_PREFIX, Warehouse
from shared.warehouse.export import Exported


@contextmanager
def staged(warehouse: Warehouse, exported: Exported, bucket: str) -> Iterator[str]:
    """Make a staging table of the exported rows, checked to be complete, until the block ends.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: retrying cannot help.
        WarehouseDiffers: BigQuery has other rows than were exported.
    """
    # Each attempt has its own table, so that two that overlap cannot mix their rows.
    run = uuid4().hex
    name = f"{STAGING_PREFIX}{exported.projection.target}_{run}"
    try:
        warehouse.create_staging(name, exported.projection.staged)
        warehouse.load_avro(f"gs://{bucket}/{exported.name}", name, f"load_{run}")
        _check(warehouse, exported, name)
        yield name
    finally:
        # If this fails, the next sync deletes the table.
        with suppress(TransientError):
            warehouse.drop(name)


def discard(objects: ObjectStore, bucket: str, exported: Exported) -> None:
    """Delete an export. If that fails, the bucket's lifecycle deletes it later, at little cost."""
    with suppress(TablegateError):
        objects.delete(bucket, exported.name)


def _check(warehouse: Warehouse, exported: Exported, name: str) -> None:
    # A MERGE would fail for a repeated key too, but without naming the table.
    projection = exported.projection
    counts = warehouse.query(merge_sql.staged_counts(warehouse.names, projection, name))[0]
    if not exported.rows == counts["row_count"] == counts["key_count"]:
        raise WarehouseDiffers(
            f"{projection.table.name}: {exported.rows} rows were exported, but BigQuery has "
            f"{counts['row_count']} rows with {counts['key_count']} keys of them. Nothing was "
            "merged; the next sync tries again."
        )
