"""Converts the values of a column between PostgreSQL's binary format and Avro's, form by form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from shared.avro.columns import (
    BOOLEAN,
    DOUBLE,
    SLACK,
    UUID_BYTES,
    Binaries,
    Column,
    Fixed,
    Int64,
    Ints,
    Texts,
    uuid_bytes,
    uuid_texts,
    window_of,
)
from shared.avro.errors import AvroError
from shared.errors import DatabaseRefusal
from shared.lazy import numpy as np
from shared.tables import bulk

Sent = bytes | memoryview
Part = tuple[str, Any]
"""Values of a fixed size in each row: their numpy type, and the values."""

_WORD = 8
_LOCAL_TIME = len("2021-07-27T16:02:08.000000")
_MICROS_TO_2000 = 946_684_800_000_000
# Of the years 1 and 9999, in microseconds since 2000.
_FIRST_LOCAL, _LAST_LOCAL = -63_082_281_600_000_000, 252_455_615_999_999_999
_DAY = 24 * 60 * 60 * 1_000_000
_MOST_DIGITS = 18
_NEGATIVE = 0x4000


def of_sent(form: bulk.Bulk, sent: Sequence[Sent]) -> Ints | Texts | Fixed:
    """Decode the values of a column, none of them NULL, from what PostgreSQL sent for each of a
    form's expressions.

    Raises:
        DatabaseRefusal: Avro cannot hold a value.
    """
    found: Ints | Texts | Fixed
    match form:
        case bulk.Numbers():
            numbers = np.frombuffer(sent[0], f">i{form.width}").astype(np.int64)
            if any(bool((numbers == infinite).any()) for infinite in form.infinite):
                raise DatabaseRefusal(form.infinite_error)
            found = Ints(numbers + form.origin if form.origin else numbers)
        case bulk.Doubles():
            found = Fixed(np.frombuffer(sent[0], ">f8").astype(DOUBLE))
        case bulk.Booleans():
            found = Fixed(np.frombuffer(sent[0], BOOLEAN))
        case bulk.Decimals():
            found = _shortest(np.frombuffer(sent[0], ">i8"))
        case bulk.LocalTimes():
            found = _iso_texts(np.frombuffer(sent[0], ">i8").astype(np.int64), form)
        case bulk.Uuids():
            found = uuid_texts(sent[0])
        case bulk.Texts():
            lengths = np.frombuffer(sent[0], ">i4").astype(np.int64)
            if int(lengths.sum()) != len(sent[1]):
                raise DatabaseRefusal(
                    "The database does not store text in UTF-8; move it to one that does."
                )
            found = Texts.packed(bytes(sent[1]), lengths)
    return found


def fits(form: bulk.Bulk | None, column: Column) -> bool:
    """Return whether `in_binary` takes these values of a column; texts are as they are."""
    found = False
    match form:
        case bulk.Numbers():
            found = isinstance(column, Ints)
        case bulk.Texts() | bulk.Uuids():
            found = type(column) is Texts
        case bulk.LocalTimes():
            found = type(column) is Texts and bool((column.lengths == _LOCAL_TIME).all())
        case bulk.Decimals():
            found = isinstance(column, Binaries) and _are_numeric(column)
        case bulk.Doubles():
            found = isinstance(column, Fixed) and column.values.dtype == DOUBLE
        case bulk.Booleans():
            found = isinstance(column, Fixed) and column.values.dtype == BOOLEAN
    return found


def in_binary(form: bulk.Bulk, column: Column) -> Part:
    """Return the values of a column of a fixed size as COPY's binary format has them."""
    match form:
        case bulk.Numbers():
            numbers = _ints(column)
            return f">i{form.width}", numbers - form.origin if form.origin else numbers
        case bulk.Uuids():
            raw = uuid_bytes(texts_of(column), form.error).view(f"V{UUID_BYTES}").reshape(-1)
            return f"V{UUID_BYTES}", raw
        case bulk.Doubles() if isinstance(column, Fixed):
            return ">f8", column.values
        case bulk.Booleans() if isinstance(column, Fixed):
            return BOOLEAN, column.values
        case bulk.Decimals() if isinstance(column, Binaries):
            return _numeric(column, form.places)
        case bulk.LocalTimes():
            return ">i8", _local_micros(texts_of(column))
    raise TypeError("a column in this form is copied as text")


def _shortest(numbers: np.typing.NDArray[np.int64]) -> Binaries:
    """Write each number in as few bytes as hold it and its sign, highest byte first."""
    sizes, most = np.ones(len(numbers), np.int64), np.abs(numbers.astype(np.int64))
    for bits in range(7, 63, 8):
        sizes += most >= 1 << bits
    starts = np.arange(1, len(numbers) + 1) * _WORD - sizes
    return Binaries(numbers.tobytes() + bytes(SLACK), starts, sizes)


def _numbers(texts: Binaries) -> Int64:
    """Return the numbers that `_shortest` wrote."""
    words = texts.words[texts.starts].byteswap().view(np.int64)
    return words >> (8 * (_WORD - texts.lengths))


def _are_numeric(texts: Binaries) -> bool:
    """Whether the numbers have no more digits than `_numeric` writes."""
    if not (texts.lengths <= _WORD).all():
        return False
    numbers, most = _numbers(texts), 10**_MOST_DIGITS
    return bool(((numbers > -most) & (numbers < most)).all())


def _numeric(texts: Binaries, places: int) -> Part:
    """Write numbers without their point as `numeric`: a head, then digits of base 10,000.

    Source: PostgreSQL's numeric_recv, which also takes zeros at both ends.
    """
    numbers = _numbers(texts)
    size = np.abs(numbers)
    whole, rest = size // 10**places, size % 10**places
    before = -(-(_MOST_DIGITS - places) // 4) if places < _MOST_DIGITS else 0
    groups = [whole // 10 ** (4 * place) % 10_000 for place in reversed(range(before))]
    for done in range(0, places, 4):
        left = places - done - 4
        groups.append(rest // 10**left % 10_000 if left >= 0 else rest * 10**-left % 10_000)
    laid = np.empty((len(numbers), 4 + len(groups)), ">i2")
    laid[:, 0], laid[:, 1], laid[:, 3] = len(groups), before - 1, places
    laid[:, 2] = np.where(numbers < 0, _NEGATIVE, 0)
    for place, group in enumerate(groups):
        laid[:, 4 + place] = group
    kind = f"V{2 * laid.shape[1]}"
    return kind, laid.view(kind).reshape(-1)


def _iso_texts(micros: Int64, form: bulk.LocalTimes) -> Texts:
    """Write microseconds since 2000 as `YYYY-MM-DDTHH:MM:SS.ffffff`."""
    if len(micros) and not (_FIRST_LOCAL <= int(micros.min()) <= int(micros.max()) <= _LAST_LOCAL):
        raise DatabaseRefusal(form.infinite_error)
    days, rest = np.divmod(micros + _MICROS_TO_2000, _DAY)
    seconds, rest = np.divmod(rest, 1_000_000)
    # Of rows that follow one another, many have the same day.
    unique, places = np.unique(days, return_inverse=True)
    letters = np.empty((len(micros), _LOCAL_TIME), np.uint8)
    letters[:, :10] = _letters(np.datetime_as_string(unique.view("datetime64[D]")), 10)[places]
    letters[:, 10:19], letters[:, 19] = _times()[seconds], ord(".")
    letters[:, 20:23], letters[:, 23:] = _thousands()[rest // 1000], _thousands()[rest % 1000]
    return Texts.packed(letters.tobytes(), np.full(len(micros), _LOCAL_TIME, np.int64))


def _letters(texts: Any, size: int) -> np.typing.NDArray[np.uint8]:
    """Write ASCII texts of this size as a row of letters each."""
    return texts.astype(f"S{size}").view(np.uint8).reshape(-1, size)  # type: ignore[no-any-return]


@cache
def _times() -> np.typing.NDArray[np.uint8]:
    """Each second of a day as `THH:MM:SS`."""
    return _letters(np.datetime_as_string(np.arange(86_400).view("datetime64[s]")), 19)[:, 10:]


@cache
def _thousands() -> np.typing.NDArray[np.uint8]:
    """Each number below a thousand in three digits."""
    return _letters(np.char.zfill(np.arange(1000).astype("U3"), 3), 3)


def _local_micros(texts: Texts) -> Int64:
    """Return the microseconds since 2000 of such texts."""
    letters = window_of(texts.data, _LOCAL_TIME)[texts.starts].view(f"S{_LOCAL_TIME}")
    try:
        moments: Int64 = letters.astype("datetime64[us]").view(np.int64)
    except ValueError as error:
        raise AvroError("bad_rows", "A local timestamp of the file is not one.") from error
    return moments - _MICROS_TO_2000


def _ints(column: Column) -> Int64:
    if not isinstance(column, Ints):
        raise _misfit("numbers")
    return column.values


def texts_of(column: Column) -> Texts:
    """Return a column of texts.

    Raises:
        AvroError: `bad_rows`, it is another one.
    """
    if not isinstance(column, Texts):
        raise _misfit("texts")
    return column


def _misfit(wanted: str) -> AvroError:
    return AvroError(
        "bad_rows", f"A column of the file does not hold {wanted}, but the table's column does."
    )
