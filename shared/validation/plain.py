"""A quick look at the cells of a CSV row that only accepts what is plainly good.

It accepts a strict subset of what the dictionary's rules accept, already encoded for COPY, and
leaves every doubt to them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from shared.tables.fields import Integer, Required, Text, Timestamp
from shared.tables.table import Table

Encode = Callable[[str], str | None]

_ESCAPED = re.compile(r"[\\\t\n\r]").search
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
# Every day that exists in every year of these, in UTC.
_MOMENT = (
    r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z"
)
_NOTHING = r"(?!)"
_INTEGER = re.compile(r"(?!0+\Z)[0-9]{1,18}\Z", re.ASCII).match
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z\Z", re.ASCII).match


def copied(value: Any) -> str:
    """A checked value as PostgreSQL's COPY text format writes it."""
    if type(value) is int:
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return text.translate(_ESCAPES) if _ESCAPED(text) else text


def copied_column(values: Sequence[Any]) -> Iterable[str]:
    """The checked values of a column as PostgreSQL's COPY text format writes them."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return map(str, values)
    if kinds == {str} and not _ESCAPED("\x00".join(values)):
        return values
    return map(copied, values)


class PlainLines:
    """Whole lines of a table's file that are plainly good, found in one look each.

    Args:
        table: whose rows they are.
        order: for each field of the table, the column that holds it.
        numbered: whether a copied line has its position before its fields.
    """

    def __init__(self, table: Table, order: Sequence[int], *, numbered: bool = True) -> None:
        self._numbered = numbered
        patterns = [_pattern(field) for field in table.fields.values()]
        if table.has_rules_beyond_fields:
            patterns = [_NOTHING for _ in patterns]
        self._straight = list(order) == sorted(order)
        self._groups = [column + 1 for column in order]
        columns = [f"({patterns[list(order).index(column)]})" for column in range(len(order))]
        self.match = re.compile(",".join(columns) + r"(?:\r\n|\n|\r)?").fullmatch

    def copied(self, lines: Sequence[str], matches: Sequence[Any], numbers: Sequence[int]) -> str:
        """The lines, whose positions are `numbers`, as COPY text."""
        if self._straight:
            if self._numbered:
                lines = [f"{place}\t{line}" for place, line in zip(numbers, lines, strict=True)]
            text = "".join(lines).replace(",", "\t")
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            return text if text.endswith("\n") else f"{text}\n"
        rows = ["\t".join(match.group(*self._groups)) for match in matches]
        if self._numbered:
            rows = [f"{place}\t{row}" for place, row in zip(numbers, rows, strict=True)]
        return "\n".join([*rows, ""])


def cell_looks(table: Table) -> Sequence[Callable[[str], re.Match[str] | None]]:
    """For each field: a look that a cell passes only where it is plainly good as it stands."""
    return [re.compile(_pattern(field)).fullmatch for field in table.fields.values()]


def _pattern(field: Required) -> str:
    """What a plainly good cell looks like: nothing in it that CSV or COPY would read as its own."""
    # Exactly these classes: a subclass may have rules of its own.
    if not field.validators:
        if type(field) is Integer:
            return "(?!0+(?![0-9]))[0-9]{1,18}"
        if type(field) is Text:
            most = max(field.max_length - 1, 0)
            inner = r'[^,"\\\t\x00\r\n]'
            return rf'{inner}{{0,{most}}}[^,"\\\x00\s\x1c-\x1f]'
        if type(field) is Timestamp:
            return _MOMENT
    return _NOTHING


def encoders(table: Table) -> Sequence[Encode]:
    """For each field: the cell encoded for COPY, or None where the rules must decide."""
    if table.has_rules_beyond_fields:
        return [lambda _: None for _ in table.fields]
    return [_encoder(field) for field in table.fields.values()]


def _encoder(field: Required) -> Encode:
    # Exactly these classes: a subclass may have rules of its own.
    if type(field) is Integer and not field.validators:
        return lambda cell: cell if _INTEGER(cell) else None
    if type(field) is Text and not field.validators:
        return _text_encoder(field.max_length)
    if type(field) is Timestamp and not field.validators:
        return _timestamp
    return lambda _: None


def _text_encoder(max_length: int) -> Encode:
    def encode(cell: str) -> str | None:
        if len(cell) > max_length or not cell.strip() or "\x00" in cell:
            return None
        return cell.translate(_ESCAPES)

    return encode


def _timestamp(cell: str) -> str | None:
    if not _TIMESTAMP(cell):
        return None
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return None
    return cell
