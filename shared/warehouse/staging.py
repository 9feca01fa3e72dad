"""Staging tables of a sync: loaded from an export, checked, and deleted afterwards."""

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
    """A staging table that has all the exported rows, and no key twice, until the block ends.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: trying again cannot help.
        WarehouseDiffers: BigQuery has other rows than were exported.
    """
    # Each try has its own table: two that overlap cannot mix their rows.
    run = uuid4().hex
    name = f"{STAGING_PREFIX}{exported.projection.target}_{run}"
    try:
        warehouse.create_staging(name, exported.projection.staged)
        warehouse.load_avro(f"gs://{bucket}/{exported.name}", name, f"load_{run}")
        _check(warehouse, exported, name)
        yield name
    finally:
        # If it stays, the next sync deletes it.
        with suppress(TransientError):
            warehouse.drop(name)


def discard(objects: ObjectStore, bucket: str, exported: Exported) -> None:
    """Delete an export. If it stays, it costs little until the bucket's lifecycle deletes it."""
    with suppress(TablegateError):
        objects.delete(bucket, exported.name)


def _check(warehouse: Warehouse, exported: Exported, name: str) -> None:
    # A MERGE would fail for a repeated key too, but without naming the table.
    projection = exported.projection
    counts = warehouse.query(merge_sql.staged_counts(warehouse.names, projection, name))[0]
    if not exported.rows == counts["row_count"] == counts["key_count"]:
        raise WarehouseDiffers(
            f"{projection.table.name}: {exported.rows} rows were exported, and BigQuery has "
            f"{counts['row_count']} rows with {counts['key_count']} keys of them. Nothing was "
            "merged; the next sync tries again."
        )
