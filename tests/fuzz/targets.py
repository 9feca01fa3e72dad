"""The targets: each takes any bytes, and raises AssertionError where an oracle is broken.

An error that is no fault of ours escapes: it is a finding by itself.
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
from shared.validation import json_batch
from shared.validation.csv_rows import blocks
from shared.validation.json_batch import BadBatch, Verdict
from shared.validation.plain import copied
from shared.validation.row import Reject, by_schema
from tests.fuzz import judging
from tests.security import avro_files

Target = Callable[[bytes], None]
HIRES, JOBS = tables.find("hired_employees"), tables.find("jobs")
MAX_LINE = 4096
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ATTRIBUTES = {"batch_id": str(uuid.UUID(int=1)), "accepted_at": NOW.isoformat()}


def csv(data: bytes) -> None:
    """Each row is staged or rejected, the counts add up, and marshmallow says the same of each."""
    for table in (JOBS, HIRES):
        read = told = shaped = 0
        try:
            for block in blocks(table, io.BytesIO(data), MAX_LINE):
                staged = [line.split("\t") for line in "".join(block.staged).split("\n")[:-1]]
                read += block.read
                shaped += block.shaped
                told += len(staged) + len(block.rejects)
                for position, *cells in staged:
                    assert int(position) >= 1
                    judging.check_staged(table, cells)
                for reject in block.rejects:
                    judging.check_rejected_cells(table, reject)
                    _check_kept(reject)
        except UnreadableFile as error:
            assert str(error).endswith(".")
            assert len(json.dumps(error.facts)) < 20_000
            assert error.code != "wrong_columns" or not shaped
        assert read == told


def batch(data: bytes) -> None:
    """The columnar look and marshmallow give one verdict, which survives the message it goes by."""
    for table in (JOBS, HIRES):
        try:
            verdict = json_batch.check(table, data)
        except BadBatch as error:
            assert str(error).endswith(".")
            continue
        given = json.loads(data)["rows"]
        assert verdict.size == len(given) == len(verdict.rows) + len(verdict.rejects)
        for index, values in verdict.rows.items():
            judged = by_schema(table, given[index])
            assert not isinstance(judged, tuple), (given[index], judged)
            wanted = [judged[name] for name in table.names]
            assert list(map(judging.normal, values)) == list(map(judging.normal, wanted))
        for reject in verdict.rejects:
            assert by_schema(table, reject.raw) == reject.errors
            _check_kept(reject)
        sent = Batch(uuid.UUID(int=1), table, "ann", NOW, verdict)
        back = unpack(*pack(sent, data)).verdict
        assert _told(back) == _told(verdict)
        back.block(table)


def message(data: bytes) -> None:
    """Any content is a batch whose rows are judged, or malformed."""
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
            judging.check_staged(table, [copied(value) for value in values])
        for reject in verdict.rejects:
            _check_kept(reject)
        assert found.block().read == verdict.size


def avro(data: bytes) -> None:
    """A file is refused with a fault of ours, or read to what fastavro reads and the rules say."""
    try:
        good, bad = avro_files.restored(data, 1 << 20)
    except UnusableBackup as error:
        assert str(error).endswith(".")
        json.dumps(error.facts)
        return
    if b"zstandard" in data or b"decimal" in data:
        # fastavro lacks the one here, and we leave the other as the bytes it is.
        return
    try:
        reader = fastavro.reader(io.BytesIO(data))
    except UnicodeDecodeError:
        # What a header says beside schema and codec is bytes; fastavro would have it be text.
        return
    try:
        rows = list(reader)
    except OverflowError:
        # A moment of no calendar in a field that we leave unread.
        return
    assert good + bad == len(rows)
    wanted = [by_schema(JOBS, {name: row[name] for name in JOBS.names}) for row in rows]
    assert bad == sum(isinstance(verdict, tuple) for verdict in wanted)


def _check_kept(reject: Reject) -> None:
    """The reject goes into PostgreSQL's COPY as one line, and has no character it refuses."""
    kept = rejects.copied(uuid.UUID(int=1), "ann", "jobs", [reject])
    assert kept.endswith(b"\n")
    *_, position, raw, errors, reason = kept[:-1].split(b"\t")
    assert int(position) == reject.position
    assert reason.decode() == reject.reason
    for column in (raw, errors):
        assert b"\n" not in column
        told = json.loads(column.replace(b"\\\\", b"\\"))
        assert "\x00" not in json.dumps(told, ensure_ascii=False)


def _told(verdict: Verdict) -> Any:
    rows = {index: [copied(value) for value in row] for index, row in verdict.rows.items()}
    return rows, sorted((r.position, [e.as_json() for e in r.errors]) for r in verdict.rejects)


TARGETS: dict[str, Target] = {"csv": csv, "batch": batch, "message": message, "avro": avro}
