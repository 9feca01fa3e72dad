"""The codecs of Avro object container files: deflate, snappy, zstandard, and none.

Source: Apache Avro 1.11 specification, "Object Container Files", required and optional codecs.
isal writes and reads the very format of zlib several times faster; fastavro's codecs would need a
stream each.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cramjam
from isal import isal_zlib

from shared.backups.faults import UnusableBackup

# A block that unpacks to more is none that a writer of records makes.
MAX_BLOCK_BYTES = 128 << 20
_CRC_BYTES = 4
_RAW = -15
_ERROR: type[Exception] = cramjam.DecompressionError
# Its stubs take the class for an instance.
_INFLATION: Any = isal_zlib.error
_ERRORS = (ValueError, EOFError, _INFLATION, _ERROR)
# Measured on hires: nearly the size of zlib's level 6, at ten times its speed.
_DEFLATE_LEVEL = 1
_ZSTANDARD_LEVEL = 3


@dataclass(frozen=True)
class Codec:
    """How blocks are packed and unpacked.

    Attributes:
        name: as an Avro file's header names it.
        pack: packs a block.
        unpack: unpacks one; raises `ValueError` or an error of its library for what is damaged,
            and never makes more than `MAX_BLOCK_BYTES`.
    """

    name: str
    pack: Callable[[memoryview], bytes]
    unpack: Callable[[bytes], bytes]


def of(name: str) -> Codec:
    """The codec of that name.

    Raises:
        UnusableBackup: `unknown_codec`.
    """
    if name not in CODECS:
        raise UnusableBackup(
            "unknown_codec",
            f"The file is packed with {name[:50]!r}; write it with one of {', '.join(CODECS)}.",
        )
    return CODECS[name]


def unpacked(codec: Codec, data: bytes) -> bytes:
    """A block's bytes.

    Raises:
        UnusableBackup: `damaged`, or `too_large`.
    """
    try:
        return codec.unpack(data)
    except _TooLarge:
        raise UnusableBackup(
            "too_large",
            f"A block of the file unpacks to over {MAX_BLOCK_BYTES >> 20} MiB; write it in smaller "
            "blocks.",
        ) from None
    except _ERRORS as error:
        raise UnusableBackup(
            "damaged",
            f"A block of the file cannot be unpacked as {codec.name}; the file is damaged.",
        ) from error


class _TooLarge(Exception):
    pass


def _deflate(data: memoryview) -> bytes:
    return bytes(isal_zlib.compress(data, _DEFLATE_LEVEL, _RAW))


def _inflate(data: bytes) -> bytes:
    inflating = isal_zlib.decompressobj(_RAW)
    found = bytes(inflating.decompress(data, MAX_BLOCK_BYTES))
    if not inflating.eof:
        if len(found) >= MAX_BLOCK_BYTES:
            raise _TooLarge
        raise ValueError("cut off")
    # What follows is let be: fastavro leaves three bytes of a checksum there.
    return found


def _snap(data: memoryview) -> bytes:
    checksum = zlib.crc32(data).to_bytes(_CRC_BYTES, "big")
    return bytes(cramjam.snappy.compress_raw(data)) + checksum


def _unsnap(data: bytes) -> bytes:
    packed, checksum = data[:-_CRC_BYTES], data[-_CRC_BYTES:]
    if cramjam.snappy.decompress_raw_len(packed) > MAX_BLOCK_BYTES:
        raise _TooLarge
    found = bytes(cramjam.snappy.decompress_raw(packed))
    if zlib.crc32(found).to_bytes(_CRC_BYTES, "big") != checksum:
        raise ValueError("checksum")
    return found


def _compress(data: memoryview) -> bytes:
    return bytes(cramjam.zstd.compress(data, _ZSTANDARD_LEVEL))


def _decompress(data: bytes) -> bytes:
    # Into a buffer that grows: the frame need not say how large it is, and may lie. What fails for
    # want of room cannot be told from what is damaged, so that is found out in the largest.
    room = min(max(1 << 16, len(data) * 8), MAX_BLOCK_BYTES)
    while True:
        buffer = bytearray(room)
        try:
            return bytes(buffer[: cramjam.zstd.decompress_into(data, buffer)])
        except _ERROR:
            if room == MAX_BLOCK_BYTES:
                raise
        room = min(room * 8, MAX_BLOCK_BYTES)


CODECS = {
    codec.name: codec
    for codec in (
        Codec("deflate", _deflate, _inflate),
        Codec("snappy", _snap, _unsnap),
        Codec("zstandard", _compress, _decompress),
        Codec("null", bytes, bytes),
    )
}
