"""How whole columns travel between PostgreSQL's binary format and Avro, without a Python object
for each value.

A kind names one of these forms, and `shared/avro` implements each with numpy. If no form fits, the
kind leaves `bulk` at None, and tables with such a field are backed up and exported row by row.

NULLs need no form of their own: of a column that may have them, PostgreSQL sends which rows have a
value, and then the values.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Numbers:
    """Integers, highest byte first in PostgreSQL, `int` or `long` in Avro.

    Attributes:
        send: SQL for each of the values PostgreSQL sends of a column; `{}` stands for the column.
        first: the smallest Avro value that the rule accepts.
        last: the largest one.
        width: how many bytes each has in PostgreSQL.
        origin: what to add to PostgreSQL's number to get Avro's.
        infinite: PostgreSQL's numbers that Avro cannot hold.
        infinite_error: the sentence for a row that has one of them.
    """

    send: tuple[str, ...]
    first: int
    last: int
    width: int = 8
    origin: int = 0
    infinite: tuple[int, ...] = ()
    infinite_error: str = ""


@dataclass(frozen=True)
class Doubles:
    """Numbers of double precision, highest byte first in PostgreSQL, `double` in Avro."""

    send: ClassVar[tuple[str, ...]] = ("float8send({})",)


@dataclass(frozen=True)
class Booleans:
    """A byte, 0 or 1, in both."""

    send: ClassVar[tuple[str, ...]] = ("boolsend({})",)


@dataclass(frozen=True)
class Decimals:
    """Decimals of at most eighteen digits: the number without its point, as `bytes` in Avro.

    Attributes:
        places: the digits after the point.
    """

    places: int

    @property
    def send(self) -> tuple[str, ...]:
        """The number without its point."""
        return (f"int8send(cast({{}} * {10**self.places} as bigint))",)


@dataclass(frozen=True)
class Texts:
    """Texts in UTF-8: their lengths, then all their bytes; `string` in Avro.

    Attributes:
        sql: SQL that selects the text; `{}` stands for the column.
        head: what stands before a text in PostgreSQL's binary form of the column.
    """

    sql: str = "{}"
    head: bytes = b""

    @property
    def send(self) -> tuple[str, ...]:
        """The lengths, then the texts."""
        return f"int4send(octet_length({self.sql}))", f"textsend({self.sql})"


@dataclass(frozen=True)
class LocalTimes:
    """Dates with times of day: microseconds in PostgreSQL, a `string` with six decimals in Avro.

    Attributes:
        infinite_error: the sentence for a row that Avro cannot hold.
    """

    infinite_error: str
    send: ClassVar[tuple[str, ...]] = ("timestamp_send({})",)


@dataclass(frozen=True)
class Uuids:
    """UUIDs: sixteen bytes in PostgreSQL, a `string` of 36 letters in Avro.

    Attributes:
        error: the sentence for a file with a text that is not a UUID.
    """

    error: str
    send: ClassVar[tuple[str, ...]] = ("uuid_send({})",)


Bulk = Numbers | Doubles | Booleans | Decimals | LocalTimes | Texts | Uuids
