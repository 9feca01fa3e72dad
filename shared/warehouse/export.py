"""Exports a table's rows to an Avro object on Cloud Storage, in constant memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from shared import storage
from shared.avro import codecs, container, schemas, table_rows
from shared.avro.table_rows import Selection
from shared.avro.writer import Writer, writing
from shared.database.sql import quoted
from shared.lazy import sqlalchemy as sa
from shared.tables import stored
from shared.warehouse.pending import TableWork
from shared.warehouse.star import Projection

_CODEC = "deflate"
_UPLOAD_BYTES = 4 << 20


@dataclass(frozen=True)
class Extract:
    """Rows of a table to sync to the warehouse.

    Attributes:
        projection: the table and its place in the warehouse.
        name: the name of the export's object, from which its staging table and job are named.
        condition: an SQL condition for the rows; empty for all rows.
    """

    projection: Projection
    name: str
    condition: str = ""


@dataclass(frozen=True)
class Exported:
    """An export on Cloud Storage.

    Attributes:
        projection: the table and its place in the warehouse.
        name: name of the object.
        rows: the number of rows in it.
    """

    projection: Projection
    name: str
    rows: int


def export(
    connection: sa.Connection, extract: Extract, storage_client: Any, bucket: str
) -> Exported:
    """Write rows to an object, as the caller's transaction sees them.

    Replaces an object of the same name, which an interrupted export may have left.

    Raises:
        StorageUnavailable, DatabaseUnavailable: try again later.
    """
    projection = extract.projection
    table = projection.table
    name = f"{projection.target}/{extract.name}.avro"
    schema = schemas.of_table(table)
    header = container.new_header(schema.declared, codecs.of(_CODEC), {})
    selection = Selection(table.name, stored.columns(table), extract.condition)
    blob = storage_client.bucket(bucket).blob(name, chunk_size=_UPLOAD_BYTES)
    # An error inside cancels the upload: an object appears whole or not at all.
    with (
        storage.mapped(),
        blob.open("wb") as stream,
        writing(Writer(stream, header), schema) as put,
    ):
        rows = table_rows.send(connection, selection, put)
    return Exported(projection, name, rows)


def of_work(work: TableWork) -> Extract:
    """Select the rows that `work` needs, under a name derived from its loads."""
    return Extract(work.projection, digest(work), "" if work.whole else _of_loads(work))


def digest(work: TableWork) -> str:
    """Hash the loads of `work`, each in the version that was read."""
    seen = sorted(f"{load.load_id} {load.version}" for load in work.loads)
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:32]


def _of_loads(work: TableWork) -> str:
    condition = _is_one_of(stored.LOAD_ID, {str(load.load_id) for load in work.loads})
    moments = {
        load.confirmed_at.isoformat() for load in work.loads if load.confirmed_at is not None
    }
    if moments:
        # A row that was sent again unchanged keeps its first load, but gets the new accepted_at.
        condition += f"\n    or {_is_one_of(stored.ACCEPTED_AT, moments)}"
    return condition


def _is_one_of(name: str, values: set[str]) -> str:
    # COPY takes no parameters. The text of a UUID or moment cannot end a literal.
    array = f"'{{{','.join(sorted(values))}}}'"
    return f"{quoted(name)} = any(cast({array} as {stored.COLUMNS[name].postgres_type}[]))"
