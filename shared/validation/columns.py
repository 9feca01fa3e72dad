"""A quick look at whole columns of decoded JSON rows that only accepts what is plainly good."""

import re
from collections.abc import Callable, Sequence

from shared.tables.fields import Integer, Required, Text, Timestamp
from shared.tables.table import Table

Check = Callable[[Sequence[str]], bool]

# Every day that exists in every year, and no moment that an offset moves out of years 0001 to 9999.
# Atomic groups, as no line can be read in two ways: nothing is kept to come back to.
_MOMENT = (
    r"(?!0000|0001|9999)[0-9][0-9][0-9][0-9]-"
    r"(?>(?>0[1-9]|1[0-2])-(?>0[1-9]|1[0-9]|2[0-8])|(?>0[13-9]|1[0-2])-(?>29|30)"
    r"|(?>0[13578]|1[02])-31)"
    r"T(?>[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?>\.[0-9]{1,6}+)?"
    r"(?>Z|[+-](?>0[0-9]|1[0-4]):[0-5][0-9])"
)
_MOMENTS = re.compile(rf"(?:{_MOMENT}\n)*+\Z", re.ASCII).match


def checks(table: Table) -> list[tuple[str, Check]] | None:
    """The fields that need a look beyond their type, each with its check.

    None where there are rules that only marshmallow knows.
    """
    if table.has_rules_beyond_fields:
        return None
    found: list[tuple[str, Check]] = []
    for name, field in table.fields.items():
        if field.validators or type(field) not in (Integer, Text, Timestamp):
            return None
        if not isinstance(field, Integer):
            found.append((name, _check(field)))
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
