"""Staging tables: rows on their way into the warehouse, loaded, counted, and gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

from shared import storage
from shared.errors import TablegateError, TransientError, WarehouseDiffers
from shared.warehouse import merge_sql
from shared.warehouse.bigquery import STAGING_PREFIX, Warehouse
from shared.warehouse.export import Exported


@contextmanager
def staged(warehouse: Warehouse, exported: Exported, bucket: str) -> Iterator[str]:
    """A staging table with the exported rows, complete and each key once, until the block ends.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: never.
        WarehouseDiffers: BigQuery has other rows than were exported.
    """
    # A table of its own for each try: two that overlap cannot mix their rows.
    run = uuid4().hex
    name = f"{STAGING_PREFIX}{exported.projection.target}_{run}"
    try:
        warehouse.create_staging(name, exported.projection.staged)
        warehouse.load_avro(f"gs://{bucket}/{exported.name}", name, f"load_{run}")
        _check(warehouse, exported, name)
        yield name
    finally:
        # Left behind, it goes with the next sync.
        with suppress(TransientError):
            warehouse.drop(name)


def discard(storage_client: Any, bucket: str, exported: Exported) -> None:
    """Delete an export. Left behind, it costs a little until the bucket's lifecycle takes it."""
    with suppress(TablegateError), storage.mapped():
        storage_client.bucket(bucket).blob(exported.name).delete()


def _check(warehouse: Warehouse, exported: Exported, name: str) -> None:
    # Google refuses a MERGE where a key comes twice; here the fault says which table it was.
    projection = exported.projection
    counts = warehouse.query(merge_sql.staged_counts(warehouse.names, projection, name))[0]
    if not exported.rows == counts["row_count"] == counts["key_count"]:
        raise WarehouseDiffers(
            f"Of {projection.table.name}, {exported.rows} rows were exported, and BigQuery has "
            f"{counts['row_count']} rows with {counts['key_count']} keys of them. Nothing was "
            "merged; the next sync tries again."
        )
