"""A file's rows as a table takes them: resolved field by field, and where it is foreign, judged.

A backup's own rows have passed the gate once and come back as they were. Those of a file made
elsewhere are judged by the dictionary's rules as any row that comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.avro.columns import SLACK, Chunk, Column, Ints, Texts, Values
from shared.avro.schemas import OWN_COLUMNS, Filled, Taken, micros
from shared.backups.errors import UnusableBackup
from shared.lazy import numpy as np
from shared.tables.kinds.integer import Integer
from shared.tables.kinds.text import Text
from shared.tables.kinds.timestamp import Timestamp
from shared.tables.table import Table
from shared.validation import columns as plain_columns
from shared.validation.row import FieldError, judge

_FIRST = micros(datetime.min.replace(tzinfo=Timestamp.epoch.tzinfo))
_LAST = micros(datetime.max.replace(tzinfo=Timestamp.epoch.tzinfo))
_SHOWN = 10
_GIVEN_UP_AFTER = 100_000


@dataclass
class Refused:
    """The rows of a file that the dictionary does not take.

    Attributes:
        count: how many.
        examples: key and errors of the first ones.
    """

    count: int
    examples: list[dict[str, Any]]

    def check(self) -> None:
        """Raise what there is to raise.

        Raises:
            UnusableBackup: `bad_rows`.
        """
        if self.count:
            raise UnusableBackup(
                "bad_rows",
                f"{self.count} rows of the file break the table's rules; correct them in the file.",
                count=self.count,
                examples=self.examples,
            )


@dataclass(frozen=True)
class Own:
    """What the restore itself gives to rows that do not say.

    Attributes:
        accepted_at: when they were accepted.
        load_id: the load that brought them.
    """

    accepted_at: datetime
    load_id: UUID


class Incoming:
    """What turns a file's rows into a table's.

    Args:
        table: the table.
        columns: where each of its columns comes from.
        own: what the restore itself gives to rows.
        judged: whether the dictionary's rules are to be asked.

    Attributes:
        refused: the rows that were refused so far.
    """

    def __init__(
        self, table: Table, columns: Sequence[Taken | Filled], own: Own, *, judged: bool
    ) -> None:
        self._table, self._columns, self._judged = table, columns, judged
        self._own = {"accepted_at": micros(own.accepted_at), "load_id": str(own.load_id)}
        self._plain = None
        if not any(table.checker._hooks.values()):
            self._plain = plain_columns.checks(table)
        self.refused = Refused(0, [])

    @property
    def keeps_own(self) -> bool:
        """Whether the file itself says when its rows were accepted, and by which load."""
        return not any(isinstance(c, Filled) and c.value is None for c in self._columns)

    def typed(self, chunk: Chunk) -> Chunk:
        """The rows with the table's columns; without those that were refused.

        Raises:
            UnusableBackup: `damaged`, a text is none; `bad_rows`, a value of the platform's own.
        """
        columns = {source.column: self._column(source, chunk) for source in self._columns}
        found = Chunk(chunk.rows, columns)
        if self._judged and not self._is_plainly_good(found):
            return self._judge(found)
        return found

    def _column(self, source: Taken | Filled, chunk: Chunk) -> Column:
        own = self._own.get(source.column)
        if isinstance(source, Filled):
            value = own if source.value is None else source.value
            return _constant(value, chunk.rows)
        column = chunk.columns[source.field.name]
        if own is not None and isinstance(column, Values):
            return _listed([own if value is None else value for value in column.values])
        return column

    def _is_plainly_good(self, chunk: Chunk) -> bool:
        if self._plain is None:
            return False
        checks = dict(self._plain)
        for name, field in self._table.fields.items():
            column = chunk.columns[name]
            if isinstance(field, Text) and isinstance(column, Texts):
                if not checks[name](_texts(column)):
                    return False
            elif isinstance(column, Ints) and isinstance(field, Integer):
                if int(column.values.min(initial=1)) < 1:
                    return False
            elif isinstance(column, Ints) and isinstance(field, Timestamp):
                if not _are_moments(column):
                    return False
            else:
                return False
        return True

    def _judge(self, chunk: Chunk) -> Chunk:
        names = self._table.names
        lists = [_judgeable(self._table, name, chunk.columns[name]) for name in names]
        good: list[int] = []
        rows: list[dict[str, Any]] = []
        for place, values in enumerate(zip(*lists, strict=True)):
            row = dict(zip(names, values, strict=True))
            verdict = judge(self._table, row)
            if isinstance(verdict, tuple):
                self._refuse(row, verdict)
            else:
                good.append(place)
                rows.append(verdict)
        kept = {name: _listed([_stored(row[name]) for row in rows]) for name in names}
        own = {name: _picked(chunk.columns[name], good) for name in OWN_COLUMNS}
        return Chunk(len(rows), kept | own)

    def _refuse(self, row: dict[str, Any], errors: Sequence[FieldError]) -> None:
        self.refused.count += 1
        if self.refused.count > _GIVEN_UP_AFTER:
            # Nobody corrects so many in the file, and the rest can only make it more.
            self.refused.check()
        if len(self.refused.examples) < _SHOWN:
            told = [f"{error.field}: {error.sentence()}" for error in errors]
            key = {name: row[name] for name in self._table.key}
            self.refused.examples.append({"key": key, "errors": told})


def _constant(value: Any, rows: int) -> Column:
    if isinstance(value, int) and not isinstance(value, bool):
        return Ints(np.full(rows, value, np.int64))
    if not isinstance(value, str):
        return Values([value] * rows)
    encoded = value.encode()
    starts = np.zeros(rows, np.int64)
    return Texts(encoded + bytes(SLACK), starts, np.full(rows, len(encoded), np.int64))


def _listed(values: list[Any]) -> Column:
    kinds = set(map(type, values))
    if kinds <= {int}:
        return Ints(np.array(values, np.int64))
    if kinds == {str}:
        return Texts.of([text.encode() for text in values])
    if kinds <= {int, datetime}:
        return Ints(np.array([_stored(value) for value in values], np.int64))
    return Values(values)


def _stored(value: Any) -> Any:
    return micros(value) if isinstance(value, datetime) else value


def _texts(column: Texts) -> list[str]:
    try:
        return column.to_list()
    except UnicodeDecodeError as error:
        raise UnusableBackup(
            "damaged", "A text of the file is not UTF-8; write it anew."
        ) from error


def _are_moments(column: Ints) -> bool:
    values = column.values
    return int(values.min(initial=0)) >= _FIRST and int(values.max(initial=0)) <= _LAST


def _judgeable(table: Table, name: str, column: Column) -> list[Any]:
    """A column's values as JSON would have brought them."""
    values = _texts(column) if isinstance(column, Texts) else column.to_list()
    if not isinstance(table.fields[name], Timestamp):
        return values
    return [_moment(value) for value in values]


def _moment(value: Any) -> Any:
    if type(value) is int:
        if not _FIRST <= value <= _LAST:
            return str(value)
        value = Timestamp.epoch + timedelta(microseconds=value)
    return value.isoformat() if isinstance(value, datetime) else value


def _picked(column: Column, places: list[int]) -> Column:
    if isinstance(column, Ints):
        return Ints(column.values[places])
    if isinstance(column, Texts):
        return Texts(column.data, column.starts[places], column.lengths[places])
    return Values([column.values[place] for place in places])
