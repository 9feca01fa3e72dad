"""The errors of backups.

PermanentError
├── UnknownBackup       there is no such backup, or no such object
├── UnusableBackup      an object cannot be restored, and why
├── Unconfirmed         most rows of a table would be deleted
└── Orphans             rows that would be left without their parent
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shared.avro.errors import AvroError
from shared.errors import PermanentError


class UnknownBackup(PermanentError):
    """There is no such backup."""


class UnusableBackup(PermanentError):
    """An object cannot be restored; nothing was changed.

    Attributes:
        code: a stable word: `not_avro`, `truncated`, `damaged`, `too_large`, `unknown_codec`,
            `wrong_schema`, `bad_rows`, `doubled_keys` or `not_unique`.
        facts: what was found, as plain values.
        object_name: the object, if that is known.
    """

    object_name = ""

    def __init__(self, code: str, sentence: str, **facts: Any) -> None:
        self.code, self.facts = code, facts
        super().__init__(sentence)


class Unconfirmed(PermanentError):
    """Most rows of a table would be deleted, which nobody has confirmed; nothing was changed.

    Attributes:
        count: how many would be deleted.
        examples: the keys of the first ten.
    """

    def __init__(self, sentence: str, count: int, examples: Sequence[Mapping[str, Any]]) -> None:
        self.count, self.examples = count, list(examples)
        super().__init__(sentence)


class Orphans(PermanentError):
    """Rows would be left without their parent; nothing was changed.

    Attributes:
        found: for each reference that would break: the rows' table and field, the parents' table,
            the number of rows, and the keys of the first ten.
    """

    def __init__(self, sentence: str, found: Sequence[Mapping[str, Any]]) -> None:
        self.found = tuple(found)
        super().__init__(sentence)


@contextmanager
def naming(object_name: str) -> Iterator[None]:
    """Add the object's name to the errors of a backup."""
    try:
        yield
    except UnusableBackup as error:
        error.object_name = object_name
        raise


@contextmanager
def mapped() -> Iterator[None]:
    """Raise an Avro file's errors as those of a backup, with the same code and facts.

    Raises:
        UnusableBackup: the file cannot be read.
    """
    try:
        yield
    except AvroError as error:
        raise UnusableBackup(error.code, str(error), **error.facts) from error
