"""Writes a file in constant memory while its rows are still arriving from PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.avro import rows
from shared.avro.binary import EncodedRows
from shared.avro.columns import Chunk
from shared.avro.container import Header, StreamDigest, Writable
from shared.avro.schemas import FileSchema
from shared.avro.sent_rows import SentColumns, SentLines, Take
from shared.pipeline import Stage

# Many small blocks can be read at once; measured, larger ones hardly compress better.
_BLOCK_BYTES, _BLOCK_ROWS = 12 << 10, 160


class Writer:
    """Writes a file, block by block.

    Args:
        stream: the stream to write to.
        header: the file's header.

    Attributes:
        digest: size and CRC32C of the bytes written so far.
    """

    def __init__(self, stream: Writable, header: Header) -> None:
        self._stream, self._header = stream, header
        self.digest = StreamDigest()
        self._send(header.encoded())

    def write(self, encoded: EncodedRows) -> None:
        """Write rows."""
        self._send(b"".join(self._blocks(encoded)))

    def _send(self, data: bytes) -> None:
        self.digest.add(data)
        self._stream.write(data)

    def _blocks(self, encoded: EncodedRows) -> Iterator[bytes]:
        count = len(encoded.ends)
        fitting = _BLOCK_BYTES * count // max(len(encoded.data), 1)
        step = min(max(fitting, 1), _BLOCK_ROWS)
        start = 0
        for first in range(0, count, step):
            last = min(first + step, count)
            end = int(encoded.ends[last - 1])
            packed = self._header.codec.pack(encoded.data[start:end])
            yield self._header.framed(last - first, packed)
            start = end


@contextmanager
def writing(
    writer: Writer, schema: FileSchema, on_chunk: Callable[[Chunk], None] | None = None
) -> Iterator[Take]:
    """Yield a function to call with rows from PostgreSQL; all are written when the context ends.

    Three things happen at the same time: PostgreSQL gathers rows, earlier rows are encoded, and
    still earlier ones are packed and written.

    Args:
        writer: writes the file.
        schema: the file's schema.
        on_chunk: called with each chunk of rows once it is decoded.
    """

    def encode(sent: SentColumns | SentLines) -> None:
        chunk = sent.chunk()
        if on_chunk is not None:
            on_chunk(chunk)
        packing.put(rows.encode(schema, chunk))

    with Stage(writer.write) as packing, Stage(encode) as encoding:
        yield encoding.put
