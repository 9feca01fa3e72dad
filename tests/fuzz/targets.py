"""The fuzz targets: each takes any bytes, and raises AssertionError if a check fails.

Any other exception that escapes is a bug too.
"""

import io
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import fastavro

from shared import tables
from shared.backups.errors import UnusableBackup
from shared.errors import MalformedMessage, UnreadableFile
from shared.loading import rejects
from shared.loading.batches import Batch, pack, unpack
from shared.tables.table import Table
from shared.validation import json_batch
from shared.validation.csv_rows import blocks
from shared.validation.json_batch import BadBatch, Verdict
from shared.validation.row import Reject
from tests.fuzz import oracle
from tests.security import avro_files
from tests.support import rules
from tests.support.csv_files import staged

Target = Callable[[bytes], None]
HIRES, JOBS = tables.find("hired_employees"), tables.find("jobs")
MAX_LINE = 4096
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ATTRIBUTES = {"batch_id": str(uuid.UUID(int=1)), "accepted_at": NOW.isoformat()}


def csv(data: bytes) -> None:
    """Each row is staged or rejected, the counts add up, and the rules agree on each row."""
    for table in (JOBS, HIRES):
        read = found = shaped = 0
        try:
            for block in blocks(table, io.BytesIO(data), MAX_LINE):
                good = staged(table, block)
                read += block.read
                shaped += block.shaped
                found += len(good) + len(block.rejects)
                for position, *cells in good:
                    assert int(position) >= 1
                    oracle.check_staged(table, cells)
                for reject in block.rejects:
                    oracle.check_rejected_cells(table, reject)
                    _check_copied(reject)
        except UnreadableFile as error:
            assert str(error).endswith(".")
            assert len(json.dumps(error.facts)) < 20_000
            assert error.code != "wrong_columns" or not shaped
        assert read == found


def batch(data: bytes) -> None:
    """The columnar check and the rules agree, and the verdict survives packing and unpacking."""
    for table in (JOBS, HIRES):
        try:
            verdict = json_batch.check(table, data)
        except BadBatch as error:
            assert str(error).endswith(".")
            continue
        given = json.loads(data)["rows"]
        assert verdict.size == len(given) == len(verdict.rows) + len(verdict.rejects)
        for index, values in verdict.rows.items():
            oracle.check_accepted(table, given[index], values)
        for reject in verdict.rejects:
            oracle.check_rejected(table, given[reject.position], reject)
            _check_copied(reject)
        sent = Batch(uuid.UUID(int=1), table, "ann", NOW, verdict)
        back = unpack(*pack(sent, data)).verdict
        assert _comparable(table, back) == _comparable(table, verdict)
        back.block(table)


def message(data: bytes) -> None:
    """Any message is malformed, or a batch whose rows are all validated."""
    encoding = {"encoding": "gzip"} if data.startswith(b"\x1f\x8b") else {}
    for table in (JOBS, HIRES):
        attributes = {**ATTRIBUTES, **encoding, "table": table.name}
        try:
            found = unpack(data, attributes, 1 << 20)
        except MalformedMessage:
            continue
        verdict = found.verdict
        assert verdict.size == len(verdict.rows) + len(verdict.rejects)
        for values in verdict.rows.values():
            oracle.check_staged(table, oracle.copied(table, values))
        for reject in verdict.rejects:
            _check_copied(reject)
        assert found.block().read == verdict.size


def avro(data: bytes) -> None:
    """A file raises UnusableBackup, or gives the rows that fastavro reads, and the rules agree."""
    try:
        good, bad = avro_files.restored(data, 1 << 20)
    except UnusableBackup as error:
        assert str(error).endswith(".")
        json.dumps(error.facts)
        return
    if b"zstandard" in data or b"decimal" in data:
        # fastavro has no zstandard here, and we leave a decimal as bytes.
        return
    try:
        reader = fastavro.reader(io.BytesIO(data))
    except UnicodeDecodeError:
        # Header values other than schema and codec are bytes; fastavro decodes them as text.
        return
    try:
        rows = list(reader)
    except OverflowError:
        # A time outside the calendar, in a field that we do not read.
        return
    assert good + bad == len(rows)
    wanted = [rules.of_json(JOBS, {name: row[name] for name in JOBS.names}) for row in rows]
    assert bad == sum(isinstance(verdict[0], rules.Wrong) for verdict in wanted)


def _check_copied(reject: Reject) -> None:
    """A reject is one line of COPY, without characters that PostgreSQL refuses."""
    line = rejects.copied(uuid.UUID(int=1), "ann", "jobs", [reject])
    assert line.endswith(b"\n")
    *_, position, raw, errors, reason = line[:-1].split(b"\t")
    assert int(position) == reject.position
    assert reason.decode() == reject.reason
    for column in (raw, errors):
        assert b"\n" not in column
        value = json.loads(column.replace(b"\\\\", b"\\"))
        assert "\x00" not in json.dumps(value, ensure_ascii=False)


def _comparable(table: Table, verdict: Verdict) -> Any:
    rows = {index: oracle.copied(table, row) for index, row in verdict.rows.items()}
    return rows, sorted((r.position, [e.as_json() for e in r.errors]) for r in verdict.rejects)


TARGETS: dict[str, Target] = {"csv": csv, "batch": batch, "message": message, "avro": avro}
