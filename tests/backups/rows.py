"""Sample rows, and Avro files as other tools write them."""

import io
import uuid
from datetime import UTC, datetime
from typing import Any

import fastavro

from shared.backups.restore import RestoreOutcome

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
LOAD_ID = uuid.UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
JOB = {"id": "long", "job": "string"}


def hires(count: int, first: int = 1) -> list[tuple[Any, ...]]:
    """Hires that reference departments and jobs 1 to 3."""
    return [
        (i, f"Given{i % 97} Fämily{i % 7}", NOON.replace(minute=i % 60), i % 3 + 1, i % 3 + 1)
        for i in range(first, first + count)
    ]


def file(fields, rows, codec="deflate", **options):
    """An Avro file as another tool writes it."""
    schema = {
        "type": "record",
        "name": "Root",
        "fields": [{"name": name, "type": kind} for name, kind in fields.items()],
    }
    sink = io.BytesIO()
    records = [dict(zip(fields, row, strict=True)) for row in rows]
    fastavro.writer(sink, schema, records, codec=codec, **options)
    return sink.getvalue()


def jobs(count):
    return [(i, f"Job {i}") for i in range(1, count + 1)]


def counts(outcome: RestoreOutcome) -> dict[str, int]:
    """The numbers of rows that a restore changed or left, by kind, without zeros."""
    return {kind: change.count for kind, change in outcome.changes.items() if change.count}
