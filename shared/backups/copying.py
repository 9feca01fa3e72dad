"""Rows by column into what COPY takes, many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.avro import uuids
from shared.avro.columns import SLACK, Chunk, Column, Int64, Ints, Texts, window_of
from shared.avro.encode import copy_texts
from shared.backups import arrays
from shared.lazy import numpy as np
from shared.validation import plain

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"

Part = tuple[str, Any]
"""A field of the rows that has a fixed size: numpy's type of it, and its values."""


def is_binary(chunk: Chunk, types: Mapping[str, str]) -> bool:
    """Whether these rows are copied in PostgreSQL's binary format; else as text."""
    *_, last = types.values()
    return (
        chunk.is_plain and last == "uuid" and all(kind in arrays.KINDS for kind in types.values())
    )


def copied(chunk: Chunk, types: Mapping[str, str]) -> bytes:
    """The rows, one at least, as COPY takes them, in the format that `is_binary` says.

    Args:
        chunk: the rows, with the columns of `types` in that order.
        types: the columns and their types in PostgreSQL.

    Raises:
        UnusableBackup: `bad_rows`, an id of a load is none.
    """
    if not is_binary(chunk, types):
        lists = [column.to_list() for column in _readable(chunk, types)]
        lines = ("\t".join(map(plain.copied, row)) for row in zip(*lists, strict=True))
        return "".join(f"{line}\n" for line in lines).encode()
    segments = list(_segments(chunk, types))
    sizes = np.zeros(chunk.rows, np.int64)
    for segment in segments:
        sizes += segment.lengths if isinstance(segment, Texts) else segment.itemsize
    ends = np.cumsum(sizes)
    buffer = bytearray(int(ends[-1]) + SLACK)
    at = ends - sizes
    for segment in segments:
        if isinstance(segment, Texts):
            # A text's last word spills into what follows it, which is written next.
            copy_texts(segment, buffer, at)
            at += segment.lengths
        else:
            _lay(segment, buffer, at)
            at += segment.itemsize
    return b"".join((_HEAD, memoryview(buffer)[: int(ends[-1])], _TAIL))


def _segments(chunk: Chunk, types: Mapping[str, str]) -> list[Texts | np.typing.NDArray[np.void]]:
    """What lies one after the other in a row: texts, and between them what has a fixed size."""
    found: list[Texts | np.typing.NDArray[np.void]] = []
    parts: list[Part] = [(">i2", np.int16(len(types)))]
    for name, kind in types.items():
        column = chunk.columns[name]
        if isinstance(column, Texts) and kind == "text":
            found += [_fixed([*parts, (">i4", column.lengths)], chunk.rows), column]
            parts = []
        elif isinstance(column, Texts):
            raw = uuids.packed(column).view(f"V{uuids.BYTES}").reshape(-1)
            parts += [(">i4", uuids.BYTES), (f"V{uuids.BYTES}", raw)]
        elif isinstance(column, Ints):
            shift = arrays.EPOCH_MICROS if kind == "timestamptz" else 0
            parts += [(">i4", 8), (">i8", column.values - shift)]
    return [*found, _fixed(parts, chunk.rows)]


def _fixed(parts: list[Part], rows: int) -> np.typing.NDArray[np.void]:
    kinds = [(f"f{place}", kind) for place, (kind, _) in enumerate(parts)]
    laid = np.empty(rows, np.dtype(kinds))
    for (name, _), (_, values) in zip(kinds, parts, strict=True):
        laid[name] = values
    return laid.view(f"V{laid.itemsize}")


def _lay(segment: np.typing.NDArray[np.void], buffer: bytearray, at: Int64) -> None:
    window_of(buffer, segment.itemsize)[at] = segment


def _readable(chunk: Chunk, types: Mapping[str, str]) -> list[Column]:
    # Moments as COPY's text has them: microseconds would be no moment to PostgreSQL.
    return [
        arrays.moments(column) if kind == "timestamptz" and isinstance(column, Ints) else column
        for column, kind in ((chunk.columns[name], kind) for name, kind in types.items())
    ]
