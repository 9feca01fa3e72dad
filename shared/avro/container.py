"""Avro object container files: a header, then blocks, each followed by the file's sync marker.

Source: Apache Avro 1.11 specification, "Object Container Files".
"""

from __future__ import annotations

import base64
import io
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared.avro import codecs
from shared.avro.codecs import Codec
from shared.avro.errors import AvroError
from shared.lazy import fastavro, google_crc32c

MAGIC = b"Obj\x01"
_METADATA = {"type": "map", "values": "bytes"}
_SYNC_BYTES = 16
_READ_BYTES = 1 << 20
_MAX_HEADER_BYTES = 4 << 20
_MAX_INTEGER_BYTES = 10


class Readable(Protocol):
    """A stream of bytes to read."""

    def read(self, size: int, /) -> bytes:
        """Read the next bytes, at most `size`; none at the end."""


class Writable(Protocol):
    """A stream of bytes to write."""

    def write(self, data: bytes, /) -> object:
        """Write some bytes."""


@dataclass(frozen=True)
class Header:
    """The header of a file.

    Attributes:
        schema: the schema of its rows.
        codec: how its blocks are packed.
        sync: the marker after each block.
        metadata: the header's other entries.
    """

    schema: Any
    codec: Codec
    sync: bytes
    metadata: Mapping[str, bytes]

    def encoded(self) -> bytes:
        """Encode the header as bytes of the file."""
        entries = {
            **self.metadata,
            "avro.schema": json.dumps(self.schema).encode(),
            "avro.codec": self.codec.name.encode(),
        }
        sink = io.BytesIO()
        fastavro.schemaless_writer(sink, fastavro.parse_schema(_METADATA), entries)
        return MAGIC + sink.getvalue() + self.sync

    def framed(self, rows: int, packed: bytes) -> bytes:
        """Frame a packed block as bytes of the file, with its numbers and marker."""
        return b"".join((_integer(rows), _integer(len(packed)), packed, self.sync))


def new_header(schema: Any, codec: Codec, metadata: Mapping[str, bytes]) -> Header:
    """Make the header of a new file."""
    return Header(schema, codec, secrets.token_bytes(_SYNC_BYTES), metadata)


class StreamDigest:
    """The size and CRC32C of a stream of bytes.

    Attributes:
        size_bytes: the bytes added so far.
    """

    def __init__(self) -> None:
        self._checksum: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
        self.size_bytes = 0

    def add(self, data: bytes) -> None:
        """Add the stream's next bytes."""
        self._checksum.update(data)
        self.size_bytes += len(data)

    @property
    def crc32c(self) -> str:
        """Return the CRC32C in base64, as Cloud Storage does."""
        return base64.b64encode(self._checksum.digest()).decode()


class Reader:
    """Reads a file once, in constant memory.

    Args:
        stream: the file's bytes.
        max_block_bytes: the largest block to accept, packed or unpacked.

    Attributes:
        header: the file's header.
        max_block_bytes: as given.
        digest: size and CRC32C of the bytes read so far.

    Raises:
        AvroError: `not_avro`, `truncated`, `damaged`, `unknown_codec`.
    """

    def __init__(self, stream: Readable, max_block_bytes: int = codecs.MAX_BLOCK_BYTES) -> None:
        self._stream, self.max_block_bytes = stream, max_block_bytes
        self._buffer = b""
        self._at = 0
        self.digest = StreamDigest()
        self.header = self._header()

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Yield each block that is not empty: the number of rows it claims, and its packed bytes.

        Raises:
            AvroError: `truncated`, `damaged`, `too_large`.
        """
        while self._has_more():
            rows, size = self._integer(), self._integer()
            if rows < 0 or size < 0:
                raise _damaged("a block of a negative size")
            if size > self.max_block_bytes:
                raise AvroError(
                    "too_large",
                    f"A block of the file has {size} bytes; at most {self.max_block_bytes} are "
                    "accepted. Write the file in smaller blocks, or raise MAX_BLOCK_BYTES.",
                )
            packed = self._take(size)
            if self._take(_SYNC_BYTES) != self.header.sync:
                raise _damaged("a block without its sync marker")
            if rows or size:
                yield rows, packed

    def _header(self) -> Header:
        if not self._has_more() or self._take(len(MAGIC)) != MAGIC:
            raise AvroError(
                "not_avro",
                "The object does not begin like an Avro file; use one that was written by a backup "
                "or exported as Avro.",
            )
        try:
            metadata = self._metadata()
        except UnicodeDecodeError as error:
            raise _damaged("a header whose names are not UTF-8") from error
        sync = self._take(_SYNC_BYTES)
        try:
            schema = json.loads(metadata["avro.schema"])
            codec = codecs.of(metadata.get("avro.codec", b"null").decode())
        except (KeyError, ValueError, RecursionError) as error:
            raise _damaged("a header without a schema") from error
        return Header(schema, codec, sync, metadata)

    def _metadata(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        left = _MAX_HEADER_BYTES
        while count := self._integer():
            if count < 0:
                # A negative count is followed by the size of these entries in bytes.
                count = -count
                self._integer()
            for _ in range(count):
                name = self._short(left)
                value = self._short(left - len(name))
                # An empty entry also takes memory.
                left -= len(name) + len(value) + 1
                found[name.decode()] = value
        return found

    def _short(self, most: int) -> bytes:
        size = self._integer()
        if not 0 <= size <= most:
            raise _damaged("a header of an impossible size")
        return self._take(size)

    def _integer(self) -> int:
        packed = 0
        for place in range(_MAX_INTEGER_BYTES):
            byte = self._take(1)[0]
            packed |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return (packed >> 1) ^ -(packed & 1)
        raise _damaged("an integer without an end")

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._buffer):
            self._fill(size)
            end = size
        found = self._buffer[self._at : end]
        self._at = end
        return found

    def _fill(self, size: int) -> None:
        """Read until `size` bytes are at the start of the buffer."""
        pieces = [self._buffer[self._at :]]
        there = len(pieces[0])
        while there < size:
            piece = self._stream.read(max(size - there, _READ_BYTES))
            if not piece:
                raise AvroError(
                    "truncated",
                    f"The file ends within a block, after {self.digest.size_bytes} bytes: it is "
                    "truncated. Use another one.",
                )
            self.digest.add(piece)
            pieces.append(piece)
            there += len(piece)
        self._buffer, self._at = b"".join(pieces), 0

    def _has_more(self) -> bool:
        if self._at < len(self._buffer):
            return True
        self._buffer, self._at = self._stream.read(_READ_BYTES), 0
        self.digest.add(self._buffer)
        return bool(self._buffer)


def _damaged(what: str) -> AvroError:
    return AvroError("damaged", f"The file has {what}; it is damaged. Use another one.", found=what)


def _integer(value: int) -> bytes:
    """Encode a number that is not negative."""
    packed, found = value << 1, bytearray()
    while packed > 0x7F:
        found.append(packed & 0x7F | 0x80)
        packed >>= 7
    found.append(packed)
    return bytes(found)
