"""Avro object container files: a header, then blocks, each with the file's own mark after it.

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
from shared.backups.errors import UnusableBackup
from shared.lazy import fastavro, google_crc32c

MAGIC = b"Obj\x01"
_METADATA = {"type": "map", "values": "bytes"}
_SYNC_BYTES = 16
_READ_BYTES = 1 << 20
_MAX_HEADER_BYTES = 4 << 20
_MAX_INTEGER_BYTES = 10


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Some bytes, `size` at most; none at the end."""


class Writable(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""


@dataclass(frozen=True)
class Header:
    """The beginning of a file.

    Attributes:
        schema: of its rows.
        codec: how its blocks are packed.
        sync: the mark after each block.
        metadata: what else the header says.
    """

    schema: Any
    codec: Codec
    sync: bytes
    metadata: Mapping[str, bytes]

    def encoded(self) -> bytes:
        """The header as it stands in the file."""
        entries = {
            **self.metadata,
            "avro.schema": json.dumps(self.schema).encode(),
            "avro.codec": self.codec.name.encode(),
        }
        sink = io.BytesIO()
        fastavro.schemaless_writer(sink, fastavro.parse_schema(_METADATA), entries)
        return MAGIC + sink.getvalue() + self.sync

    def framed(self, rows: int, packed: bytes) -> bytes:
        """A packed block as it stands in the file."""
        return b"".join((_integer(rows), _integer(len(packed)), packed, self.sync))


def new_header(schema: Any, codec: Codec, metadata: Mapping[str, bytes]) -> Header:
    """The header of a new file."""
    return Header(schema, codec, secrets.token_bytes(_SYNC_BYTES), metadata)


class Summed:
    """Bytes on their way, with their number and CRC32C.

    Attributes:
        size_bytes: how many there were.
    """

    def __init__(self) -> None:
        self._checksum: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
        self.size_bytes = 0

    def add(self, data: bytes) -> None:
        """Count these too."""
        self._checksum.update(data)
        self.size_bytes += len(data)

    @property
    def crc32c(self) -> str:
        """The checksum as Cloud Storage writes it, base64."""
        return base64.b64encode(self._checksum.digest()).decode()


class Reader:
    """A file that is being read, once, in constant memory.

    Args:
        stream: its bytes.
        max_block_bytes: the largest block that is taken, packed or unpacked.

    Attributes:
        header: its beginning.
        max_block_bytes: as given.
        summed: the bytes that were read.

    Raises:
        UnusableBackup: `not_avro`, `truncated`, `damaged`, `unknown_codec`.
    """

    def __init__(self, stream: Readable, max_block_bytes: int = codecs.MAX_BLOCK_BYTES) -> None:
        self._stream, self.max_block_bytes = stream, max_block_bytes
        self._buffer = b""
        self._at = 0
        self.summed = Summed()
        self.header = self._header()

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """The blocks but for empty ones: how many rows each says to have, and its packed bytes.

        Raises:
            UnusableBackup: `truncated`, `damaged`, `too_large`.
        """
        while self._has_more():
            rows, size = self._integer(), self._integer()
            if rows < 0 or size < 0:
                raise _damaged("a block of a negative size")
            if size > self.max_block_bytes:
                raise UnusableBackup(
                    "too_large",
                    f"A block of the file has {size} bytes, and {self.max_block_bytes} are the "
                    "most that is taken; write it in smaller blocks, or raise MAX_BLOCK_BYTES.",
                )
            packed = self._take(size)
            if self._take(_SYNC_BYTES) != self.header.sync:
                raise _damaged("a block without its mark")
            if rows or size:
                yield rows, packed

    def _header(self) -> Header:
        if not self._has_more() or self._take(len(MAGIC)) != MAGIC:
            raise UnusableBackup(
                "not_avro",
                "The object is no Avro file: it does not begin as one. Give one that was written "
                "by a backup, or exported as Avro.",
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
                # Then the size of these entries in bytes comes first.
                count = -count
                self._integer()
            for _ in range(count):
                name = self._short(left)
                value = self._short(left - len(name))
                # An entry of nothing counts too.
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
        """Make `size` bytes lie at the start of the buffer."""
        pieces = [self._buffer[self._at :]]
        there = len(pieces[0])
        while there < size:
            piece = self._stream.read(max(size - there, _READ_BYTES))
            if not piece:
                raise UnusableBackup(
                    "truncated",
                    f"The file ends within a block, after {self.summed.size_bytes} bytes; it was "
                    "cut off. Restore another backup.",
                )
            self.summed.add(piece)
            pieces.append(piece)
            there += len(piece)
        self._buffer, self._at = b"".join(pieces), 0

    def _has_more(self) -> bool:
        if self._at < len(self._buffer):
            return True
        self._buffer, self._at = self._stream.read(_READ_BYTES), 0
        self.summed.add(self._buffer)
        return bool(self._buffer)


def _damaged(what: str) -> UnusableBackup:
    return UnusableBackup(
        "damaged", f"The file has {what}; it is damaged. Restore another backup.", found=what
    )


def _integer(value: int) -> bytes:
    """A number that is not negative as Avro writes it."""
    packed, found = value << 1, bytearray()
    while packed > 0x7F:
        found.append(packed & 0x7F | 0x80)
        packed >>= 7
    found.append(packed)
    return bytes(found)
