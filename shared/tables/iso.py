"""Patterns of dates and times as ISO 8601 writes them, for the kinds that read them.

Each kind has two: the format, which its JSON Schema shows, and plain cells. What a plain pattern
matches is good as it stands, whatever the year.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, time
from typing import Any

from shared.tables.column import StoredColumn

DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
OFFSET = r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"

# Every day that exists in each of these years. Groups are atomic where a column is matched at once,
# so that there is one way to read a line.
PLAIN_DATE = (
    r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
PLAIN_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
ATOMIC_DATE = (
    r"[0-9][0-9][0-9][0-9]-"
    r"(?>(?>0[1-9]|1[0-2])-(?>0[1-9]|1[0-9]|2[0-8])|(?>0[13-9]|1[0-2])-(?>29|30)"
    r"|(?>0[13578]|1[02])-31)"
)
ATOMIC_TIME = r"(?>[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?>\.[0-9]{1,6}+)?"


class IsoColumn(StoredColumn):
    """A column whose values are written in ISO 8601."""

    def copy_text(self, value: date | time | str) -> str:
        """Write ISO 8601; text that the quick check passed already has that form."""
        return value if isinstance(value, str) else value.isoformat()

    def copy_texts(self, values: Sequence[Any]) -> Iterable[str]:
        """Return texts unchanged."""
        return values if set(map(type, values)) == {str} else map(self.copy_text, values)


def column_check(value: str) -> Callable[[Sequence[str]], bool]:
    """Return a check of a whole column with one regular expression, made of that of a value."""
    matches = re.compile(rf"(?:{value}\n)*+\Z", re.ASCII).match

    def check(column: Sequence[str]) -> bool:
        text = "\n".join([*column, ""])
        # A value with two of them, one on each line, would match as well.
        return text.count("\n") == len(column) and matches(text) is not None

    return check
