"""A table's rows at a snapshot into an Avro object, in constant memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared import storage
from shared.avro import codecs, container, encode, rows, schemas
from shared.avro.checksum import Checksum
from shared.avro.container import Header, Summed, Writable
from shared.avro.encode import Rows
from shared.avro.schemas import FileSchema
from shared.backups import read
from shared.backups.arrays import Piece
from shared.backups.snapshot import Snapshot
from shared.pipeline import Stage
from shared.tables.table import Table

FINGERPRINT = "tablegate.fingerprint"
SNAPSHOT_AT = "tablegate.snapshot_at"
CONTENT_TYPE = "avro/binary"
_UPLOAD_BYTES = 2 << 20
# Small blocks, many of which are read side by side; measured, larger ones pack hardly better.
_BLOCK_BYTES, _BLOCK_ROWS = 12 << 10, 160


@dataclass(frozen=True)
class Written:
    """What was written, by what was seen while reading the table.

    Attributes:
        rows: how many rows.
        checksum: of the rows.
        size_bytes: of the object.
        crc32c: of the object's bytes.
        fingerprint: of its schema.
    """

    rows: int
    checksum: str
    size_bytes: int
    crc32c: str
    fingerprint: str


def write(
    snapshot: Snapshot, table: Table, client: Any, bucket: str, name: str, codec: str
) -> Written:
    """Write a table's rows to an object; it appears whole or not at all.

    Raises:
        SnapshotDiffers: not all rows were read.
        DatabaseUnavailable, DatabaseBusy, StorageUnavailable: try again later.
    """
    schema = schemas.of_table(table)
    metadata = {
        FINGERPRINT: schema.fingerprint.encode(),
        SNAPSHOT_AT: snapshot.taken_at.isoformat().encode(),
    }
    header = container.new_header(schema.declared, codecs.of(codec), metadata)
    checksum = read.checksum_of(schema)
    blob = client.bucket(bucket).blob(name, chunk_size=_UPLOAD_BYTES)
    # Left by an error, the stream cancels the upload.
    with (
        storage.mapped(),
        blob.open("wb", content_type=CONTENT_TYPE, ignore_flush=True) as stream,
    ):
        file, encoder = _File(stream, header), _Encoder(schema, checksum)
        # Three things at a time: PostgreSQL gathers rows, others are encoded, others packed and
        # sent.
        with (
            Stage(file.write) as packing,
            Stage[Piece](lambda piece: packing.put(encoder.encode(piece))) as encoding,
        ):
            snapshot.send(table, encoding.put)
    return Written(
        checksum.rows,
        checksum.hexadecimal,
        file.summed.size_bytes,
        file.summed.crc32c,
        schema.fingerprint,
    )


class _Encoder:
    def __init__(self, schema: FileSchema, checksum: Checksum) -> None:
        self._schema, self._checksum = schema, checksum

    def encode(self, piece: Piece) -> Rows:
        chunk = piece.chunk()
        self._checksum.add(chunk)
        if encode.is_covered(chunk):
            return encode.encode(chunk)
        return rows.encode(self._schema, chunk)


class _File:
    def __init__(self, stream: Writable, header: Header) -> None:
        self._stream, self._header = stream, header
        self.summed = Summed()
        self._send(header.encoded())

    def write(self, encoded: Rows) -> None:
        self._send(b"".join(self._blocks(encoded)))

    def _send(self, data: bytes) -> None:
        self.summed.add(data)
        self._stream.write(data)

    def _blocks(self, encoded: Rows) -> Iterator[bytes]:
        rows = len(encoded.ends)
        fitting = _BLOCK_BYTES * rows // max(len(encoded.data), 1)
        step = min(max(fitting, 1), _BLOCK_ROWS)
        start = 0
        for first in range(0, rows, step):
            last = min(first + step, rows)
            end = int(encoded.ends[last - 1])
            packed = self._header.codec.pack(encoded.data[start:end])
            yield self._header.framed(last - first, packed)
            start = end
