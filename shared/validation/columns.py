"""A quick look at whole columns of decoded JSON rows that only accepts what is plainly good."""

import re
from collections.abc import Callable, Sequence

from shared.tables.fields import Integer, Required, Text, Timestamp
from shared.tables.table import Table

Check = Callable[[Sequence[str]], bool]

# Every day that exists in every year, and no moment that an offset moves out of years 0001 to 9999.
_MOMENT = (
    r"(?!0000|0001|9999)\d{4}-"
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)"
)
_MOMENTS = re.compile(rf"(?:{_MOMENT}\n)*\Z", re.ASCII).match


def checks(table: Table) -> list[tuple[int, Check]] | None:
    """The columns that need a look beyond their type, each with its check.

    None where a field has rules that only marshmallow knows.
    """
    found: list[tuple[int, Check]] = []
    for place, field in enumerate(table.fields.values()):
        if field.validators or type(field) not in (Integer, Text, Timestamp):
            return None
        if not isinstance(field, Integer):
            found.append((place, _check(field)))
    return found


def _check(field: Required) -> Check:
    if isinstance(field, Text):
        limit = field.max_length
        # Each of these runs over the column in C.
        return lambda column: (
            all(map(str.strip, column))
            and max(map(len, column), default=0) <= limit
            and "\x00" not in "".join(column)
        )
    return lambda column: _MOMENTS("\n".join([*column, ""])) is not None
