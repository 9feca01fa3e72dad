"""The codecs of Avro object container files: all that the specification names, and none.

Source: Apache Avro 1.11 specification, "Object Container Files", required and optional codecs.
isal reads and writes zlib's format several times as fast as zlib.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.avro.errors import AvroError
from shared.lazy import cramjam, isal_zlib

MAX_BLOCK_BYTES = 32 << 20
"""The largest block that is read by default, in bytes."""

_CRC_BYTES = 4
_RAW = -15
# Measured on hires: nearly the size of zlib's level 6, at ten times its speed.
_DEFLATE_LEVEL = 1
_ZSTANDARD_LEVEL = 3
# The dictionary of xz's highest level, which is all that one needs beyond its input and output.
_XZ_OVERHEAD_BYTES = 80 << 20
# cramjam's message if the buffer is too small; any other error is damage.
_NO_ROOM = "write whole buffer"


@dataclass(frozen=True)
class Codec:
    """Packs and unpacks blocks.

    Attributes:
        name: its name in an Avro file's header.
        pack: packs a block.
        unpack: unpacks a block to at most a number of bytes; raises `ValueError` or an error of
            its library if the block is damaged.
    """

    name: str
    pack: Callable[[memoryview], bytes]
    unpack: Callable[[bytes, int], bytes]


def of(name: str) -> Codec:
    """Find the codec with this name.

    Raises:
        AvroError: `unknown_codec`.
    """
    if name not in CODECS:
        raise AvroError(
            "unknown_codec",
            f"The file is packed with {name[:50]!r}; write it with one of {', '.join(CODECS)}.",
        )
    return CODECS[name]


def unpacked(codec: Codec, data: bytes, most: int = MAX_BLOCK_BYTES) -> bytes:
    """Unpack a block.

    Args:
        codec: the file's codec.
        data: the packed block.
        most: the most bytes that it may unpack to.

    Raises:
        AvroError: `damaged`, or `too_large`.
    """
    try:
        return codec.unpack(data, most)
    except _TooLarge:
        raise AvroError(
            "too_large",
            f"A block of the file unpacks to more than {most} bytes; write the file in smaller "
            "blocks, or raise MAX_BLOCK_BYTES.",
        ) from None
    except _errors() as error:
        raise AvroError(
            "damaged",
            f"A block of the file cannot be unpacked as {codec.name}; the file is damaged.",
        ) from error


class _TooLarge(Exception):
    pass


@cache
def _errors() -> tuple[type[Exception], ...]:
    # isal's stubs declare the class as an instance.
    inflation: Any = isal_zlib.error
    # bz2 raises OSError.
    return (ValueError, EOFError, OSError, inflation, cramjam.DecompressionError, lzma.LZMAError)


def _deflate(data: memoryview) -> bytes:
    return bytes(isal_zlib.compress(data, _DEFLATE_LEVEL, _RAW))


def _inflate(data: bytes, most: int) -> bytes:
    inflating = isal_zlib.decompressobj(_RAW)
    found = bytes(inflating.decompress(data, most))
    if not inflating.eof:
        if len(found) >= most:
            raise _TooLarge
        raise ValueError("truncated")
    # Bytes that follow are ignored: fastavro leaves three bytes of a checksum there.
    return found


def _snap(data: memoryview) -> bytes:
    checksum = zlib.crc32(data).to_bytes(_CRC_BYTES, "big")
    return bytes(cramjam.snappy.compress_raw(data)) + checksum


def _unsnap(data: bytes, most: int) -> bytes:
    packed, checksum = data[:-_CRC_BYTES], data[-_CRC_BYTES:]
    if cramjam.snappy.decompress_raw_len(packed) > most:
        raise _TooLarge
    found = bytes(cramjam.snappy.decompress_raw(packed))
    if zlib.crc32(found).to_bytes(_CRC_BYTES, "big") != checksum:
        raise ValueError("checksum")
    return found


def _compress(data: memoryview) -> bytes:
    return bytes(cramjam.zstd.compress(data, _ZSTANDARD_LEVEL))


def _decompress(data: bytes, most: int) -> bytes:
    # The buffer grows in steps: a frame may omit its size, or have a wrong one.
    room = min(max(1 << 16, len(data) * 8), most)
    while True:
        buffer = bytearray(room)
        try:
            return bytes(buffer[: cramjam.zstd.decompress_into(data, buffer)])
        except cramjam.DecompressionError as error:
            if _NO_ROOM not in str(error):
                raise
            if room == most:
                raise _TooLarge from None
        room = min(room * 8, most)


def _bunzip(data: bytes, most: int) -> bytes:
    return _within(bz2.BZ2Decompressor(), data, most)


def _unxz(data: bytes, most: int) -> bytes:
    # A header may ask for gigabytes to decompress with.
    limit = most + _XZ_OVERHEAD_BYTES
    return _within(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limit), data, most)


def _within(decompressor: Any, data: bytes, most: int) -> bytes:
    found = bytes(decompressor.decompress(data, most))
    if not decompressor.eof:
        if len(found) >= most:
            raise _TooLarge
        raise ValueError("truncated")
    return found


def _unchanged(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise _TooLarge
    return data


CODECS = {
    codec.name: codec
    for codec in (
        Codec("deflate", _deflate, _inflate),
        Codec("snappy", _snap, _unsnap),
        Codec("zstandard", _compress, _decompress),
        Codec("bzip2", bz2.compress, _bunzip),
        Codec("xz", lzma.compress, _unxz),
        Codec("null", bytes, _unchanged),
    )
}
