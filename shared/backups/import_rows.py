"""The rows of a file in the form in which they are stored in a table.

The rows of a backup of ours passed the gate once, and are stored unchanged. Those of a file made
elsewhere are judged by the dictionary's rules, like any row that comes in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.avro.columns import SLACK, Chunk, Column, Ints, Texts, Values
from shared.backups.errors import UnusableBackup
from shared.backups.mapping import OWN_COLUMNS, Defaulted, Mapped, micros
from shared.lazy import numpy as np
from shared.tables.kinds.integer import Integer
from shared.tables.kinds.text import Text
from shared.tables.kinds.timestamp import Timestamp
from shared.tables.table import Table
from shared.validation import columns as plain_columns
from shared.validation import plain
from shared.validation.row import FieldError, judge

_FIRST = micros(datetime.min.replace(tzinfo=Timestamp.epoch.tzinfo))
_LAST = micros(datetime.max.replace(tzinfo=Timestamp.epoch.tzinfo))
_SHOWN = 10
_GIVEN_UP_AFTER = 100_000


@dataclass
class Rejected:
    """The rows of a file that break the dictionary's rules.

    Attributes:
        count: the number of rows.
        examples: key and errors of the first ones.
    """

    count: int
    examples: list[dict[str, Any]]

    def check(self) -> None:
        """Refuse the file if there are any.

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
class RestoreLoad:
    """The restore as a load, for rows of a file that does not say by which load they came.

    Attributes:
        accepted_at: when the restore was asked for.
        load_id: its entry in the ledger.
    """

    accepted_at: datetime
    load_id: UUID


class RowImport:
    """Turns the rows of a file into those of a table.

    Args:
        table: the table.
        columns: where each of its columns comes from.
        load: what to fill in for rows that do not name their load.
        judged: whether to judge the rows by the dictionary's rules.

    Attributes:
        rejected: the rows that broke the rules so far.
    """

    def __init__(
        self,
        table: Table,
        columns: Sequence[Mapped | Defaulted],
        load: RestoreLoad,
        *,
        judged: bool,
    ) -> None:
        self._table, self._columns, self._judged = table, columns, judged
        self._own = {"accepted_at": micros(load.accepted_at), "load_id": str(load.load_id)}
        self._plain = None
        if not any(table.checker._hooks.values()):
            self._plain = plain_columns.checks(table)
        self.rejected = Rejected(0, [])

    @property
    def keeps_own(self) -> bool:
        """Whether the file itself says when its rows were accepted, and by which load."""
        return not any(isinstance(c, Defaulted) and c.value is None for c in self._columns)

    def typed(self, chunk: Chunk) -> Chunk:
        """The rows with the table's columns, without rejected rows.

        Raises:
            UnusableBackup: `damaged`, a text is not UTF-8; `bad_rows`, too many were rejected.
        """
        columns = {source.column: self._column(source, chunk) for source in self._columns}
        found = Chunk(chunk.rows, columns)
        if self._judged and not self._is_plainly_good(found):
            return self._judge(found)
        return found

    def _column(self, source: Mapped | Defaulted, chunk: Chunk) -> Column:
        own = self._own.get(source.column)
        if isinstance(source, Defaulted):
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
                if not _are_timestamps(column):
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
                self._reject(row, verdict)
            else:
                good.append(place)
                rows.append(verdict)
        kept = {name: _listed([_stored(row[name]) for row in rows]) for name in names}
        own = {name: _picked(chunk.columns[name], good) for name in OWN_COLUMNS}
        return Chunk(len(rows), kept | own)

    def _reject(self, row: dict[str, Any], errors: Sequence[FieldError]) -> None:
        self.rejected.count += 1
        if self.rejected.count > _GIVEN_UP_AFTER:
            # Nobody corrects so many in a file, and the remaining rows can only add to them.
            self.rejected.check()
        if len(self.rejected.examples) < _SHOWN:
            sentences = [f"{error.field}: {error.sentence()}" for error in errors]
            key = {name: row[name] for name in self._table.key}
            self.rejected.examples.append({"key": key, "errors": sentences})


def copy_text(chunk: Chunk, types: Mapping[str, str]) -> bytes:
    """Rows of any types in the text format of COPY.

    Args:
        chunk: the rows, with the columns of `types`.
        types: the columns in their order, and their types in PostgreSQL.

    Raises:
        OverflowError: a timestamp is in no year from 1 to 9999.
    """
    lists = [_readable(chunk.columns[name], kind) for name, kind in types.items()]
    lines = ("\t".join(map(plain.copied, row)) for row in zip(*lists, strict=True))
    return "".join(f"{line}\n" for line in lines).encode()


def _readable(column: Column, kind: str) -> list[Any]:
    # PostgreSQL's text of a timestamp is a date and a time, never microseconds.
    if kind == "timestamptz" and isinstance(column, Ints):
        return [Timestamp.epoch + timedelta(microseconds=n) for n in column.values.tolist()]
    return column.to_list()


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
            "damaged", "A text of the file is not UTF-8; write the file again."
        ) from error


def _are_timestamps(column: Ints) -> bool:
    values = column.values
    return int(values.min(initial=0)) >= _FIRST and int(values.max(initial=0)) <= _LAST


def _judgeable(table: Table, name: str, column: Column) -> list[Any]:
    """A column's values as they would come in JSON."""
    values = _texts(column) if isinstance(column, Texts) else column.to_list()
    if not isinstance(table.fields[name], Timestamp):
        return values
    return [_timestamp(value) for value in values]


def _timestamp(value: Any) -> Any:
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
