"""What each system that stores a column needs to know about it.

Kinds of field are stored columns (`kind.py`), and so are the columns that the platform adds to
each row (`stored.py`).
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.errors import ConfigurationError
from shared.tables.bulk import Bulk


class StoredColumn:
    """A column of a stored row: its type and its values in each system.

    A value has three forms. The *checked value* is what the rule of a kind gives, the *Avro value*
    is what an Avro file holds, and the *COPY text* is what PostgreSQL reads and writes in COPY.

    A class must define the parts marked abstract: `missing_parts` lists those that it lacks.
    """

    @property
    @abstractmethod
    def description(self) -> str:
        """What the column means, in a few words."""

    nullable = False
    """Whether a stored row may have NULL here. The parts below never see it."""

    # PostgreSQL

    @property
    @abstractmethod
    def postgres_type(self) -> str:
        """Type in PostgreSQL, such as `bigint`."""

    @abstractmethod
    def sqlalchemy_type(self) -> Any:
        """The same type for SQLAlchemy, which creates and compares tables."""

    @abstractmethod
    def copy_text(self, value: Any, /) -> str:
        """Write a checked value, or a JSON value that the quick check passed, as COPY text."""

    def copy_texts(self, values: Sequence[Any]) -> Iterable[str]:
        """Write many values as COPY text; override it if a whole column can be done in C."""
        return map(self.copy_text, values)

    select_sql = "{}"
    """SQL that selects the value to answer with; `{}` stands for the column."""

    def of_selected(self, value: Any) -> Any:
        """Convert a selected value, not NULL, to one that becomes JSON as the gate takes it."""
        return value

    # Avro: backups, and rows on their way to BigQuery

    @property
    @abstractmethod
    def avro_type(self) -> Any:
        """Type in an Avro schema; a value of an int or long is a number, whatever it stands for."""

    avro_sql = "{}"
    """SQL that selects the value in the form that Avro holds; `{}`, or `{0}`, is the column."""

    @abstractmethod
    def avro_of_copy(self, text: str, /) -> Any:
        """Convert the COPY text that `avro_sql` gives to an Avro value."""

    def to_avro(self, value: Any, /) -> Any:
        """Convert a checked value to an Avro value."""
        return value

    def from_avro(self, value: Any) -> Any:
        """Convert an Avro value to one that `copy_text` takes, without checking any rule.

        The text may hold anything, and must become a single cell of COPY.

        Raises:
            OverflowError: Python cannot hold the value.
        """
        return value

    def accepts_avro(self, declared: Any) -> bool:
        """Return whether a restored file may hold the column in this Avro type, apart from null.

        The kind's `json_of_avro` takes values in any of these types.
        """
        return bool(declared == self.avro_type)

    @property
    def avro_taken(self) -> str:
        """The types that `accepts_avro` accepts, as people read them."""
        return str(self.avro_type)

    def convert_avro(self, declared: Any) -> Callable[[Any], Any] | None:
        """Return what turns values of a declared type into ones that the parts above take.

        None if they are such values.
        """
        del declared
        return None

    @property
    def bulk(self) -> Bulk | None:
        """How whole columns travel between PostgreSQL and Avro; None sends them row by row."""
        return None

    # BigQuery

    @property
    @abstractmethod
    def bigquery_type(self) -> str:
        """Type in BigQuery's GoogleSQL, such as `INT64`."""

    # Checksums that PostgreSQL and BigQuery compute, each in its own SQL

    @property
    @abstractmethod
    def postgres_canonical(self) -> str:
        """PostgreSQL's SQL for the text that stands for a value in checksums."""

    @property
    @abstractmethod
    def bigquery_canonical(self) -> str:
        """BigQuery's SQL for exactly the same text."""


def missing_parts(column: type[StoredColumn]) -> dict[str, str]:
    """Return the parts that a class of columns lacks, by name, each with its description."""
    found = {name: getattr(column, name, None) for name in dir(column)}
    return {
        name: (part.__doc__ or "").split("\n")[0]
        for name, part in found.items()
        if getattr(part, "__isabstractmethod__", False)
    }


NULL = ""
"""NULL in the COPY text that we write: no value of any kind is an empty text."""
NULL_SENT = r"\N"
"""NULL in the COPY text that PostgreSQL sends, which escapes a backslash of a value."""


def copy_text(column: StoredColumn, value: Any) -> str:
    """Write a checked value or None as COPY text."""
    return NULL if value is None else column.copy_text(value)


def copy_texts(column: StoredColumn, values: Sequence[Any]) -> Iterable[str]:
    """Write the checked values of a column as COPY text, NULL included."""
    if not column.nullable or None not in values:
        return column.copy_texts(values)
    given = iter(column.copy_texts([value for value in values if value is not None]))
    return [NULL if value is None else next(given) for value in values]


def avro_of(column: StoredColumn, value: Any) -> Any:
    """Convert a checked value or None to an Avro value."""
    return None if value is None else column.to_avro(value)


def avro_of_sent(column: StoredColumn, text: str) -> Any:
    """Convert COPY text that PostgreSQL sent, NULL included, to an Avro value.

    Raises:
        ConfigurationError: the column is NULL, as another release may leave it, and must not be.
    """
    if text != NULL_SENT:
        return column.avro_of_copy(text)
    if not column.nullable:
        raise missing_value()
    return None


def missing_value() -> ConfigurationError:
    """Make the error for a NULL where there must be none, as another release may leave it."""
    return ConfigurationError(
        "A stored row has no value of a required field; python -m shared.database migrate "
        "says which, and how to fill it."
    )


def avro_type(column: StoredColumn) -> Any:
    """Return the type of a column in an Avro schema, in which NULL has a place if it may occur."""
    return ["null", column.avro_type] if column.nullable else column.avro_type


_SPECIAL = re.compile(r"[\\\t\n\r]").search
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ESCAPE = re.compile(r"\\(.)", re.DOTALL).sub
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def escape(text: str) -> str:
    """Escape a text for COPY."""
    return text.translate(_ESCAPES) if _SPECIAL(text) else text


def escape_all(texts: Sequence[str]) -> Iterable[str]:
    """Escape many texts for COPY."""
    return map(escape, texts) if _SPECIAL("\x00".join(texts)) else texts


def unescape(text: str) -> str:
    """Decode a text that COPY wrote."""
    if "\\" not in text:
        return text
    return _ESCAPE(lambda found: _ESCAPED.get(found[1], found[1]), text)
