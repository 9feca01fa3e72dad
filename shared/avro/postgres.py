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

from shared.avro import binary
from shared.avro.columns import (
    BOOLEAN,
    DOUBLE,
    SLACK,
    UUID_BYTES,
    Binaries,
    Chunk,
    Column,
    Fixed,
    Int64,
    Ints,
    Nullable,
    Texts,
    Values,
    uuid_bytes,
    uuid_texts,
    window_of,
)
from shared.avro.errors import AvroError
from shared.avro.schemas import named
from shared.errors import DatabaseRefusal
from shared.lazy import numpy as np
from shared.tables import bulk
from shared.tables.column import StoredColumn, copy_texts, missing_value

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEAD_BYTES = len(SIGNATURE) + 8

_HEAD = SIGNATURE + bytes(8)
_TAIL = b"\xff\xff"

_WORD = 8
# For each row a byte: 1 if it has a value, 0 if it is NULL.
_IS_PRESENT = "boolsend({} is not null)"

Sent = bytes | memoryview
StoredColumns = Mapping[str, StoredColumn]
Part = tuple[str, Any]
"""Values of a fixed size in each row: their numpy type, and the values."""


def is_bulk(columns: StoredColumns) -> bool:
    """Return whether these columns can be sent in bulk."""
    return all(column.bulk is not None for column in columns.values())


def sends(column: StoredColumn) -> Sequence[str]:
    """Return SQL for each of the values that PostgreSQL sends of a column in bulk."""
    found = column.bulk.send if column.bulk is not None else ()
    return (_IS_PRESENT, *found) if column.nullable else found


def from_sent(column: StoredColumn, sent: Sequence[Sent], rows: int) -> Column:
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
        return Nullable(_from_sent(form, sent[1:]), present)
    found = _from_sent(form, sent)
    if _rows(found) != rows:
        raise missing_value()
    return found


def _from_sent(form: bulk.Bulk, sent: Sequence[Sent]) -> Ints | Texts | Fixed:
    match form:
        case bulk.Numbers():
            numbers = np.frombuffer(sent[0], f">i{form.width}").astype(np.int64)
            if any(bool((numbers == infinite).any()) for infinite in form.infinite):
                raise DatabaseRefusal(form.infinite_error)
            return Ints(numbers + form.origin if form.origin else numbers)
        case bulk.Doubles():
            return Fixed(np.frombuffer(sent[0], ">f8").astype(DOUBLE))
        case bulk.Booleans():
            return Fixed(np.frombuffer(sent[0], BOOLEAN))
        case bulk.Decimals():
            return _shortest(np.frombuffer(sent[0], ">i8"))
        case bulk.Uuids():
            return uuid_texts(sent[0])
        case bulk.Texts():
            lengths = np.frombuffer(sent[0], ">i4").astype(np.int64)
            if int(lengths.sum()) != len(sent[1]):
                raise DatabaseRefusal(
                    "The database does not store text in UTF-8; move it to one that does."
                )
            return Texts.packed(bytes(sent[1]), lengths)


def _shortest(numbers: np.typing.NDArray[np.int64]) -> Binaries:
    """Write each number in as few bytes as hold it and its sign, highest byte first."""
    sizes, most = np.ones(len(numbers), np.int64), np.abs(numbers.astype(np.int64))
    for bits in range(7, 63, 8):
        sizes += most >= 1 << bits
    starts = np.arange(1, len(numbers) + 1) * _WORD - sizes
    return Binaries(numbers.tobytes() + bytes(SLACK), starts, sizes)


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
        return column.nullable and _fits_form(column.bulk, found.column)
    if column.nullable or not isinstance(found, Ints | Texts):
        return _fits_form(column.bulk, found)
    return _is_binary(column.bulk)


def _is_binary(form: bulk.Bulk | None) -> bool:
    match form:
        case None | bulk.Decimals():
            return False
        case bulk.Texts():
            return form.head is not None
    return True


def _fits_form(form: bulk.Bulk | None, found: Column) -> bool:
    match form:
        case bulk.Numbers():
            return isinstance(found, Ints)
        case bulk.Texts() | bulk.Uuids():
            return _is_binary(form) and type(found) is Texts
        case bulk.Doubles():
            return isinstance(found, Fixed) and found.values.dtype == DOUBLE
        case bulk.Booleans():
            return isinstance(found, Fixed) and found.values.dtype == BOOLEAN
    return False


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
    parts: list[Part] = [(">i2", np.int16(len(columns)))]
    for name, column in columns.items():
        for part in _parts(column.bulk, chunk.columns[name]):
            if isinstance(part, Texts):
                found += [_fixed(parts, chunk.rows), part] if parts else [part]
                parts = []
            else:
                parts.append(part)
    return [*found, _fixed(parts, chunk.rows)]


def _parts(form: bulk.Bulk | None, column: Column) -> Sequence[Part | Texts]:
    """Return the parts of a column in each row of COPY's binary format."""
    if isinstance(column, Nullable):
        return _nullable_parts(form, column)
    match form:
        case bulk.Texts():
            texts, head = _texts(column), form.head or b""
            length: Part = (">i4", texts.lengths + len(head))
            return [length, (f"V{len(head)}", np.void(head)), texts] if head else [length, texts]
        case None:
            raise TypeError("a column without a form in bulk is copied as text")
    kind, values = _values(form, column)
    return [(">i4", np.dtype(kind).itemsize), (kind, values)]


def _nullable_parts(form: bulk.Bulk | None, column: Nullable) -> Sequence[Part | Texts]:
    """Return the parts of a column with NULLs, whose length is -1."""
    head = b""
    match form:
        case bulk.Texts():
            texts, head = _texts(column.column), form.head or b""
        case None:
            raise TypeError("a column without a form in bulk is copied as text")
        case _:
            kind, values = _values(form, column.column)
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


def _values(form: bulk.Bulk, column: Column) -> Part:
    """Return the values of a column of a fixed size as COPY's binary format has them."""
    match form:
        case bulk.Numbers():
            numbers = _ints(column)
            return f">i{form.width}", numbers - form.origin if form.origin else numbers
        case bulk.Uuids():
            raw = uuid_bytes(_texts(column), form.error).view(f"V{UUID_BYTES}").reshape(-1)
            return f"V{UUID_BYTES}", raw
        case bulk.Doubles() if isinstance(column, Fixed):
            return ">f8", column.values
        case bulk.Booleans() if isinstance(column, Fixed):
            return BOOLEAN, column.values
    raise TypeError("a column in this form is copied as text")


def _fixed(parts: list[Part], rows: int) -> np.typing.NDArray[np.void]:
    kinds = [(f"f{place}", kind) for place, (kind, _) in enumerate(parts)]
    laid = np.empty(rows, np.dtype(kinds))
    for (name, _), (_, values) in zip(kinds, parts, strict=True):
        laid[name] = values
    return laid.view(f"V{laid.itemsize}")


def _ints(column: Column) -> Int64:
    if not isinstance(column, Ints):
        raise _misfit("numbers")
    return column.values


def _texts(column: Column) -> Texts:
    if not isinstance(column, Texts):
        raise _misfit("texts")
    return column


def _misfit(wanted: str) -> AvroError:
    return AvroError(
        "bad_rows", f"A column of the file does not hold {wanted}, but the table's column does."
    )
