"""Measures how much memory a hostile file takes to read, in a separate process.

python -m tests.security.memory_cases NAME prints as JSON how the file was refused, and by how many
megabytes the process's peak resident size grew after the imports.
"""

import gzip
import io
import json
import resource
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

from shared import tables
from shared.backups.errors import UnusableBackup
from shared.errors import MalformedMessage, UnreadableFile
from shared.loading.batches import unpack
from shared.validation import json_batch
from shared.validation.csv_rows import blocks
from shared.validation.json_batch import BadBatch
from tests.security.avro_files import block, header, record, restored

LIMIT = 1 << 20
BODY = 10_000_000


class Repeated:
    """A file that repeats one piece, generated while it is read."""

    def __init__(self, piece: bytes, size: int, start: bytes = b"") -> None:
        self._piece, self._left, self._buffer = piece, size, start

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        while len(self._buffer) < size and self._left > 0:
            more = self._piece * max(1, min(size, 1 << 20) // len(self._piece))
            self._buffer += more
            self._left -= len(more)
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found


def validate(stream: object) -> str:
    """Read a file as a load does."""
    read = rejected = 0
    try:
        for found in blocks(tables.find("jobs"), stream, LIMIT):
            read, rejected = read + found.read, rejected + len(found.rejects)
    except UnreadableFile as error:
        return error.code
    return f"{rejected} of {read} rejected"


def bomb(piece: bytes, megabytes: int, wbits: int = 31) -> bytes:
    """Megabytes of one repeated piece, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    whole = piece * ((1 << 20) // len(piece))
    return b"".join(packer.compress(whole) for _ in range(megabytes)) + packer.flush()


def check(body: bytes) -> str:
    """Validate a batch."""
    try:
        verdict = json_batch.check(tables.find("jobs"), body)
    except BadBatch as error:
        return error.code
    return f"{len(verdict.rejects)} of {verdict.size} rejected"


def many(row: bytes) -> bytes:
    """A batch that repeats a row up to the body limit."""
    return b'{"rows":[%b]}' % b",".join([row] * ((BODY - 20) // (len(row) + 1)))


def stored(data: bytes) -> str:
    """Unpack a message."""
    moment = datetime.now(UTC).isoformat()
    known = {"table": "jobs", "batch_id": "0" * 32, "accepted_at": moment, "encoding": "gzip"}
    try:
        return str(unpack(data, known).verdict.size)
    except MalformedMessage:
        return "malformed"


def restore(content: bytes) -> str:
    """Read a file as a restore does."""
    try:
        return str(restored(content))
    except UnusableBackup as error:
        return error.code


CASES: dict[str, Callable[[], Callable[[], str]]] = {
    "a line of a gigabyte": lambda: lambda: validate(Repeated(b"x", 1 << 30)),
    "a quoted line": lambda: lambda: validate(Repeated(b"x", 1 << 28, b'1,"')),
    "a gzip bomb": lambda: _with(bomb(b"x" * 64, 128), lambda data: validate(io.BytesIO(data))),
    "a gzip bomb of rows": lambda: _with(
        bomb(b"1," + b"\n" * 62, 2), lambda d: validate(io.BytesIO(d))
    ),
    "rows of commas": lambda: (
        lambda: validate(Repeated(b"," * 500_000 + b"\n", 64 << 20, b"1,a\n"))
    ),
    "open marks": lambda: lambda: validate(Repeated(b'x","y\n', 1 << 19, b"1,a\n")),
    "a hundred thousand columns": lambda: (
        lambda: validate(
            io.BytesIO(b"id," + b",".join(b"c%d" % n for n in range(100_000)) + b"\n1,a\n")
        )
    ),
    "a batch of empty lists": lambda: _with(many(b"[]"), check),
    "a batch of small rows": lambda: _with(many(b'{"id":1,"job":"a"}'), check),
    "a batch of unknown fields": lambda: _with(
        b'{"rows":[{%b}]}' % b",".join(b'"a%d":1' % n for n in range(200_000)), check
    ),
    "a message bomb": lambda: _with(gzip.compress(bytes(256 << 20), 9), stored),
    "an Avro bomb": lambda: _with(
        header(record(), b"deflate") + block(1, bomb(b"\0", 512, -15)), restore
    ),
    "an Avro block of tiny rows": lambda: _with(
        header(record()) + block(8 << 20, b"\x02\x00" * (8 << 20)), restore
    ),
}


def _with(data: bytes, act: Callable[[bytes], str]) -> Callable[[], str]:
    return lambda: act(data)


def peak() -> int:
    """The largest resident size so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    run = CASES[sys.argv[1]]()
    before = peak()
    outcome = run()
    sys.stdout.write(json.dumps({"outcome": outcome, "megabytes": peak() - before}) + "\n")
