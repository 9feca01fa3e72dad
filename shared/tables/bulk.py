"""How whole columns travel between PostgreSQL's binary format and Avro, without a Python object
for each value.

A kind names one of these forms, and `shared/avro` implements each with numpy. If no form fits, the
kind leaves `bulk` at None, and tables with such a field are backed up and exported row by row.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Numbers:
    """Integers of eight bytes, highest byte first in PostgreSQL, `long` in Avro.

    Attributes:
        send: SQL for each of the values PostgreSQL sends of a column; `{}` stands for the column.
        first: the smallest Avro value that the rule accepts.
        last: the largest one.
        origin: what to add to PostgreSQL's number to get Avro's.
        infinite: PostgreSQL's numbers that Avro cannot hold.
        infinite_error: the sentence for a row that has one of them.
    """

    send: tuple[str, ...]
    first: int
    last: int
    origin: int = 0
    infinite: tuple[int, ...] = ()
    infinite_error: str = ""


@dataclass(frozen=True)
class Texts:
    """Texts in UTF-8, stored as they are: their lengths, then all their bytes; `string` in Avro."""

    send: ClassVar[tuple[str, ...]] = ("int4send(octet_length({}))", "textsend({})")


@dataclass(frozen=True)
class Uuids:
    """UUIDs: sixteen bytes in PostgreSQL, a `string` of 36 letters in Avro.

    Attributes:
        error: the sentence for a file with a text that is not a UUID.
    """

    error: str
    send: ClassVar[tuple[str, ...]] = ("uuid_send({})",)


Bulk = Numbers | Texts | Uuids
