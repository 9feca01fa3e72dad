"""A table's rows as an Avro object on Cloud Storage, in constant memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from shared import storage
from shared.avro import row_schema
from shared.database.copy import copy_out
from shared.database.sql import composed, listed, qualified, quoted
from shared.lazy import fastavro
from shared.lazy import sqlalchemy as sa
from shared.warehouse.columns import Column
from shared.warehouse.pending import TableWork
from shared.warehouse.star import Projection

_CHUNK_BYTES = 4 << 20
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True)
class Extract:
    """Rows of a table that are to be brought.

    Attributes:
        projection: the table and its place in the warehouse.
        name: of the object that is to hold them, and of what follows from it.
        condition: which rows, as SQL that ends a select; empty for all.
    """

    projection: Projection
    name: str
    condition: str = ""


@dataclass(frozen=True)
class Exported:
    """An export that lies on Cloud Storage.

    Attributes:
        projection: the table and its place in the warehouse.
        name: name of the object.
        rows: how many rows it holds.
    """

    projection: Projection
    name: str
    rows: int


def export(
    connection: sa.Connection, extract: Extract, storage_client: Any, bucket: str
) -> Exported:
    """Write rows to an object, as the caller's transaction sees them.

    An object of the same name, left by an export that was cut off, is replaced.

    Raises:
        StorageUnavailable, DatabaseUnavailable: try again later.
    """
    projection = extract.projection
    name = f"{projection.target}/{extract.name}.avro"
    blob = storage_client.bucket(bucket).blob(name, chunk_size=_CHUNK_BYTES)
    # Left by an error, the writer cancels the upload: an object appears whole or not at all.
    with storage.mapped(), blob.open("wb", ignore_flush=True) as stream:
        rows = AvroRows(stream, projection)
        copy_out(connection, _copy(extract), rows)
        rows.close()
    return Exported(projection, name, rows.count)


def of_work(work: TableWork) -> Extract:
    """The rows that `work` asks for, under a name that follows from its loads."""
    return Extract(work.projection, digest(work), "" if work.whole else _of_loads(work))


def digest(work: TableWork) -> str:
    """A name for the loads of `work`, each in the version that was read."""
    seen = sorted(f"{load.load_id} {load.version}" for load in work.loads)
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:32]


class AvroRows:
    """What COPY writes to: rows in PostgreSQL's text format in, Avro out.

    Attributes:
        count: the rows so far.
    """

    def __init__(self, stream: BinaryIO, projection: Projection) -> None:
        columns = projection.staged
        self.count = 0
        self._names = [column.name for column in columns]
        self._values = [KINDS[column.type].value for column in columns]
        self._writer = fastavro.write.Writer(
            stream, row_schema.schema(projection.table), codec="deflate", compression_level=1
        )

    def write(self, data: bytes, /) -> None:
        """Take one row: the server sends each as a message of its own."""
        cells = bytes(data).decode()[:-1].split("\t")
        values = [value(cell) for value, cell in zip(self._values, cells, strict=True)]
        self._writer.write(dict(zip(self._names, values, strict=True)))
        self.count += 1

    def close(self) -> None:
        """Write out the last block."""
        self._writer.flush()


@dataclass(frozen=True)
class _Kind:
    # How a column is asked of PostgreSQL, and what its text becomes.
    expression: str
    value: Callable[[str], int | str]


def _text(cell: str) -> str:
    if "\\" not in cell:
        return cell
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), cell)


KINDS = {
    "INT64": _Kind("{}", int),
    "STRING": _Kind("cast({} as text)", _text),
    # As whole microseconds, which Avro holds as they are: no datetime is made a million times.
    "TIMESTAMP": _Kind("cast(extract(epoch from {}) * 1000000 as bigint)", int),
}


def _copy(extract: Extract) -> str:
    projection = extract.projection
    return composed(
        """
        copy (
            select
                {columns}
            from {table}
            {condition}
        ) to stdout
        """,
        columns=_selected(projection.staged),
        table=qualified(projection.table.name),
        condition=extract.condition.strip(),
    )


def _selected(columns: Sequence[Column]) -> str:
    return listed(KINDS[c.type].expression.format(quoted(c.name)) for c in columns)


def _of_loads(work: TableWork) -> str:
    # COPY takes no parameters; a UUID's text holds nothing that could end a literal.
    load_ids = ",".join(str(load.load_id) for load in work.loads)
    condition = f" where load_id = any('{{{load_ids}}}'::uuid[])"
    moments = {
        load.confirmed_at.isoformat() for load in work.loads if load.confirmed_at is not None
    }
    if moments:
        # A row that came again unchanged is still its first load's, and counts from the new moment.
        listed = ",".join(sorted(moments))
        condition += f"\n    or accepted_at = any('{{{listed}}}'::timestamptz[])"
    return condition
