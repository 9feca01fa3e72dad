"""Sends rows through the systems in which a table is kept: PostgreSQL, a backup, BigQuery."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from shared import tables
from shared.backups.backup import Backups
from shared.backups.restore import RestoreRequest, restore
from shared.database.engine import transaction
from shared.database.sql import quoted
from shared.loading import waiting
from shared.loading.ledger import Counts, Source
from shared.loading.load import Blocks, load
from shared.settings import read
from shared.storage import ObjectStore
from shared.tables.table import Table
from shared.validation import csv_rows, json_batch

Texts = Mapping[str, str | None]
"""A row to be sent: of each field its cell or its JSON text; None for one left out."""


@contextmanager
def added(*found: Table) -> Iterator[None]:
    """Add the tables to the dictionary."""
    all_tables = tables.all_tables()
    before = dict(all_tables)
    all_tables.update(tables.in_order(before | {table.name: table for table in found}))
    try:
        yield
    finally:
        all_tables.clear()
        all_tables.update(before)


def load_cells(engine: sa.Engine, table: Table, rows: Sequence[Texts]) -> Counts:
    """Load rows as a CSV file, each cell in quotation marks."""
    lines = [",".join(table.names)]
    lines += [",".join(_cell(row[name]) for name in table.names) for row in rows]
    text = "\n".join([*lines, ""]).encode()
    return _loaded(engine, table, lambda **_: csv_rows.blocks(table, io.BytesIO(text), 1 << 20))


def load_json(engine: sa.Engine, table: Table, rows: Sequence[Texts]) -> Counts:
    """Load rows as a batch."""
    objects = [
        ",".join(f'"{name}":{text}' for name, text in row.items() if text is not None)
        for row in rows
    ]
    body = '{{"rows":[{}]}}'.format(",".join(f"{{{one}}}" for one in objects))
    found = json_batch.check(table, body.encode())
    return _loaded(engine, table, lambda **_: [found.block(table)])


def _loaded(engine: sa.Engine, table: Table, blocks: Blocks) -> Counts:
    source = Source(str(uuid.uuid4()), "file", table.name, datetime.now(UTC))
    entry = load(engine, source, blocks)
    list(waiting.release_after(engine, entry))
    return entry.counts


def _cell(text: str | None) -> str:
    return "" if text is None else '"{}"'.format(text.replace('"', '""'))


def stored(engine: sa.Engine, table: Table) -> list[dict[str, Any]]:
    with transaction(engine) as connection:
        found = connection.exec_driver_sql(f"select * from {quoted(table.name)}")
        return [dict(row) for row in found.mappings()]


def texts(engine: sa.Engine, table: Table) -> list[str]:
    with transaction(engine) as connection:
        found = connection.exec_driver_sql(f"select cast(t as text) from {quoted(table.name)} t")
        return sorted(row[0] for row in found)


def restores_exactly(engine: sa.Engine, storage_client: Any, bucket: str, found: Table) -> None:
    """Back a table up, lose its rows, and restore it."""
    before = texts(engine, found)
    given_settings = read({"DATABASE_URL": "postgresql://x/x", "BACKUPS_BUCKET": bucket})
    (manifest,) = Backups(given_settings, engine, storage_client).back_up([found], "")
    with transaction(engine) as connection:
        # Rows that refer to them stay.
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql(f"delete from {quoted(found.name)}")
    backup = ObjectStore(storage_client).find(bucket, manifest.object)
    assert backup is not None
    restore(engine, storage_client, RestoreRequest(found, backup, manifest), 10)
    assert texts(engine, found) == before
