"""Malformed Avro files, written byte by byte because no library would write them."""

import io
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from shared import tables
from shared.avro import rows
from shared.avro.container import Readable, Reader
from shared.avro.schemas import FileSchema
from shared.backups import errors
from shared.backups.import_rows import RestoreLoad, RowImport
from shared.backups.mapping import resolve

JOBS = tables.find("jobs")
SYNC = b"S" * 16


def number(value: int) -> bytes:
    """An integer as Avro writes it."""
    packed, found = (value << 1) ^ (value >> 63), bytearray()
    while packed > 0x7F:
        found.append(packed & 0x7F | 0x80)
        packed >>= 7
    return bytes([*found, packed])


def text(value: bytes) -> bytes:
    """Bytes or text as Avro writes them."""
    return number(len(value)) + value


ROW = number(1) + text(b"Welder")


def record(*more: Any) -> bytes:
    """The schema of a job, with extra fields of the given types."""
    fields = [{"name": "id", "type": "long"}, {"name": "job", "type": "string"}]
    fields += [{"name": f"more{place}", "type": kind} for place, kind in enumerate(more)]
    return json.dumps({"type": "record", "name": "Job", "fields": fields}).encode()


def header(schema: bytes, codec: bytes = b"null") -> bytes:
    """The header of a file."""
    entries = text(b"avro.schema") + text(schema) + text(b"avro.codec") + text(codec)
    return b"Obj\x01" + number(2) + entries + number(0) + SYNC


def block(rows: int, data: bytes, sync: bytes = SYNC) -> bytes:
    """A block that claims to hold `rows` rows."""
    return number(rows) + text(data) + sync


def restored(content: bytes | Readable, max_block_bytes: int = 32 << 20) -> tuple[int, int]:
    """Read a file as a restore does, without a database; returns the counts of good and bad rows.

    Raises:
        UnusableBackup: the file cannot be restored.
    """
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    with errors.mapped():
        reader = Reader(stream, max_block_bytes)
        schema = FileSchema(reader.header.schema)
        load = RestoreLoad(datetime.now(UTC), uuid.UUID(int=1))
        importing = RowImport(JOBS, resolve(schema, JOBS, {}), load, check_rules=True)
        good = sum(importing.typed(chunk).rows for chunk in rows.chunks(schema, reader))
    return good, importing.rejected.count
