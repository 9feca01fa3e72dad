"""A backup's rows into a temporary table, checked on the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.avro import schemas
from shared.avro.binary import Block
from shared.avro.columns import Chunk
from shared.avro.container import Reader
from shared.avro.schemas import FileSchema
from shared.backups import copying, read
from shared.backups.import_rows import Incoming, Own
from shared.backups.order import Order
from shared.backups.restore_sql import Statements
from shared.backups.verify import Content, compare
from shared.database.copy import copy_in
from shared.lazy import sqlalchemy as sa
from shared.pipeline import ahead


def stage(
    connection: sa.Connection, client: Any, order: Order, own: Own, sql: Statements
) -> tuple[int, bool]:
    """Make the temporary table of the backup's rows, and fill it.

    Args:
        connection: inside the restore's transaction.
        client: Cloud Storage.
        order: what is to be restored.
        own: what rows get that do not say themselves when they were accepted, and by which load.
        sql: the restore's statements.

    Returns:
        How many rows there are, and whether they said so themselves.

    Raises:
        UnusableBackup: the object cannot be restored; says why.
        StorageUnavailable: try again later.
    """
    with read.opened(client, order.stored, order.max_block_bytes) as reader:
        schema = FileSchema(reader.header.schema)
        columns = schemas.resolve(schema, order.table, order.aliases)
        incoming = Incoming(order.table, columns, own, judged=order.manifest is None)
        connection.exec_driver_sql(sql.create)
        rows = _Rows(schema, incoming, sql, summed=order.manifest is not None)
        rows.copy(connection, reader)
    if order.manifest is not None:
        compare(rows.content(reader), order.manifest)
    incoming.refused.check()
    # Without it the planner takes the table for a small one.
    connection.exec_driver_sql(f"analyze {sql.restored}")
    return rows.count, incoming.keeps_own


class _Rows:
    def __init__(
        self, schema: FileSchema, incoming: Incoming, sql: Statements, *, summed: bool
    ) -> None:
        self._schema, self._incoming, self._sql = schema, incoming, sql
        # Of a file made elsewhere nobody knows what it should be.
        self._checksum = read.checksum_of(schema) if summed else None
        self.count = 0

    def copy(self, connection: sa.Connection, reader: Reader) -> None:
        # The next rows are made ready while PostgreSQL takes these.
        parts = read.parts(self._schema, reader)
        with ThreadPoolExecutor(1) as pool:
            for copy, piece in ahead(pool, self._ready, parts, depth=1):
                if piece:
                    copy_in(connection, copy, (piece,))

    def content(self, reader: Reader) -> Content:
        return Content(
            self.count,
            self._checksum.hexadecimal if self._checksum else "",
            reader.summed.size_bytes,
            reader.summed.crc32c,
            self._schema.fingerprint,
        )

    def _ready(self, part: list[Block] | Chunk) -> tuple[str, bytes]:
        chunk = part if isinstance(part, Chunk) else read.chunk(self._schema, part)
        self.count += chunk.rows
        if self._checksum is not None:
            self._checksum.add(chunk)
        typed = self._incoming.typed(chunk)
        types = self._sql.types
        copy = self._sql.copy_binary if copying.is_binary(typed, types) else self._sql.copy
        return copy, copying.copied(typed, types) if typed.rows else b""
