"""Converts columns from the form that PostgreSQL's COPY sends, and to the form that it takes.

In bulk, PostgreSQL aggregates a column of many rows into one value: numbers as eight bytes each,
highest first, UUIDs as sixteen, and texts as their lengths and then all their bytes. These are its
usual binary formats, which COPY also takes for the values of single rows. It leaves out NULLs, so
of a column that may have some it also sends a byte for each row. Columns without a bulk form are
sent and received as COPY text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.avro import binary, forms
from shared.avro.columns import (
    SLACK,
    Chunk,
    Column,
    Fixed,
    Ints,
    Nullable,
    Texts,
    Values,
    window_of,
)
from shared.avro.schemas import named
from shared.lazy import numpy as np
from shared.tables import bulk
from shared.tables.column import StoredColumn, copy_texts, missing_value

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEAD_BYTES = len(SIGNATURE) + 8

_HEAD = SIGNATURE + bytes(8)
_TAIL = b"\xff\xff"
# For each row a byte: 1 if it has a value, 0 if it is NULL.
_IS_PRESENT = "boolsend({} is not null)"

StoredColumns = Mapping[str, StoredColumn]


def is_bulk(columns: StoredColumns) -> bool:
    """Return whether these columns can be sent in bulk."""
    return all(column.bulk is not None for column in columns.values())


def sends(column: StoredColumn) -> Sequence[str]:
    """Return SQL for each of the values that PostgreSQL sends of a column in bulk."""
    found = column.bulk.send if column.bulk is not None else ()
    return (_IS_PRESENT, *found) if column.nullable else found


def from_sent(column: StoredColumn, sent: Sequence[forms.Sent], rows: int) -> Column:
    """Decode a column from what PostgreSQL aggregated for each expression of `sends`.

    Raises:
        DatabaseRefusal: Avro cannot hold a value.
        ConfigurationError: a value is NULL and must not be.
    """
    form = column.bulk
    if form is None:
        raise TypeError("a column without a form in bulk is sent row by row")
    if column.nullable:
        present = np.frombuffer(sent[0], np.uint8).view(np.bool_)
        return Nullable(forms.of_sent(form, sent[1:]), present)
    found = forms.of_sent(form, sent)
    if _rows(found) != rows:
        raise missing_value()
    return found


def _rows(column: Ints | Texts | Fixed) -> int:
    return len(column.lengths if isinstance(column, Texts) else column.values)


def column_of(column: StoredColumn, values: list[Any]) -> Column:
    """Make a column of Avro values: in the form in which a file's column is decoded."""
    if column.nullable:
        return Values(values)
    types = set(map(type, values))
    plain, _ = named(column.avro_type)
    if plain in ("int", "long") and types <= {int}:
        return Ints(np.array(values, np.int64))
    if plain == "string" and types <= {str}:
        return Texts.of([text.encode() for text in values])
    return Values(values)


def repeated(column: StoredColumn, value: Any, rows: int) -> Column:
    """Make a column that has the same Avro value in all rows."""
    match column_of(column, [value]):
        case Ints() as one:
            return Ints(np.repeat(one.values, rows))
        case Texts() as one:
            return Texts(one.data, np.zeros(rows, np.int64), np.repeat(one.lengths, rows))
    return Values([value] * rows)


def can_copy(chunk: Chunk, columns: StoredColumns) -> bool:
    """Return whether `to_copy` supports these rows."""
    *_, last = columns.values()
    if not chunk.is_plain or not isinstance(last.bulk, bulk.Uuids):
        return False
    return all(_fits(column, chunk.columns[name]) for name, column in columns.items())


def _fits(column: StoredColumn, found: Column) -> bool:
    """Return whether values have a binary form in COPY; a misfit of a plain column is refused."""
    if isinstance(found, Nullable):
        return column.nullable and forms.fits(column.bulk, found.column)
    if isinstance(column.bulk, bulk.Numbers | bulk.Texts | bulk.Uuids) and not column.nullable:
        return isinstance(found, Ints | Texts)
    return forms.fits(column.bulk, found)


def to_copy(chunk: Chunk, columns: StoredColumns) -> bytes:
    """Write rows in the binary format of COPY.

    Args:
        chunk: the rows, at least one, with the columns of `columns`.
        columns: the columns in their order.

    Raises:
        AvroError: `bad_rows`, a value does not have its column's type.
    """
    segments = list(_segments(chunk, columns))
    sizes = np.zeros(chunk.rows, np.int64)
    for segment in segments:
        sizes += segment.lengths if isinstance(segment, Texts) else segment.itemsize
    ends = np.cumsum(sizes)
    buffer = bytearray(int(ends[-1]) + SLACK)
    at = ends - sizes
    for segment in segments:
        if isinstance(segment, Texts):
            # The last word of a text spills into the next value, which is written afterwards.
            binary.copy_texts(segment, buffer, at)
            at += segment.lengths
        else:
            window_of(buffer, segment.itemsize)[at] = segment
            at += segment.itemsize
    return b"".join((_HEAD, memoryview(buffer)[: int(ends[-1])], _TAIL))


def to_copy_text(chunk: Chunk, columns: StoredColumns) -> bytes:
    """Write rows with any columns in the text format of COPY.

    Args:
        chunk: the rows, with the columns of `columns`.
        columns: the columns in their order.

    Raises:
        AvroError: `damaged`, a text is not UTF-8.
        OverflowError: Python cannot hold a value, such as a moment in year 10000.
    """
    texts = [
        copy_texts(
            column,
            [
                None if value is None else column.from_avro(value)
                for value in chunk.columns[name].to_list()
            ],
        )
        for name, column in columns.items()
    ]
    return "".join(f"{line}\n" for line in map("\t".join, zip(*texts, strict=True))).encode()


def _segments(chunk: Chunk, columns: StoredColumns) -> list[Texts | np.typing.NDArray[np.void]]:
    """Split a row into segments: texts, and between them everything of a fixed size."""
    found: list[Texts | np.typing.NDArray[np.void]] = []
    parts: list[forms.Part] = [(">i2", np.int16(len(columns)))]
    for name, column in columns.items():
        for part in _parts(column.bulk, chunk.columns[name]):
            if isinstance(part, Texts):
                found += [_fixed(parts, chunk.rows), part] if parts else [part]
                parts = []
            else:
                parts.append(part)
    return [*found, _fixed(parts, chunk.rows)]


def _parts(form: bulk.Bulk | None, column: Column) -> Sequence[forms.Part | Texts]:
    """Return the parts of a column in each row of COPY's binary format."""
    if isinstance(column, Nullable):
        return _nullable_parts(form, column)
    match form:
        case bulk.Texts():
            texts, head = forms.texts_of(column), form.head
            length: forms.Part = (">i4", texts.lengths + len(head))
            return [length, (f"V{len(head)}", np.void(head)), texts] if head else [length, texts]
        case None:
            raise TypeError("a column without a form in bulk is copied as text")
    kind, values = forms.in_binary(form, column)
    return [(">i4", np.dtype(kind).itemsize), (kind, values)]


def _nullable_parts(form: bulk.Bulk | None, column: Nullable) -> Sequence[forms.Part | Texts]:
    """Return the parts of a column with NULLs, whose length is -1."""
    head = b""
    match form:
        case bulk.Texts():
            texts, head = forms.texts_of(column.column), form.head
        case None:
            raise TypeError("a column without a form in bulk is copied as text")
        case _:
            kind, values = forms.in_binary(form, column.column)
            packed = np.ascontiguousarray(values.astype(kind))
            size = np.full(len(packed), packed.itemsize, np.int64)
            texts = Texts.packed(packed.tobytes(), size)
    there = column.present.astype(np.int64)
    starts, lengths = np.zeros_like(there), np.zeros_like(there)
    starts[column.present], lengths[column.present] = texts.starts, texts.lengths
    sizes = np.where(column.present, lengths + len(head), -1)
    spread = Texts(texts.data, starts, lengths)
    if not head:
        return [(">i4", sizes), spread]
    heads = Texts(head + bytes(SLACK), np.zeros_like(there), there * len(head))
    return [(">i4", sizes), heads, spread]


def _fixed(parts: list[forms.Part], rows: int) -> np.typing.NDArray[np.void]:
    kinds = [(f"f{place}", kind) for place, (kind, _) in enumerate(parts)]
    laid = np.empty(rows, np.dtype(kinds))
    for (name, _), (_, values) in zip(kinds, parts, strict=True):
        laid[name] = values
    return laid.view(f"V{laid.itemsize}")
