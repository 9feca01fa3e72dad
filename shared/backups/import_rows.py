"""Converts the rows of a file to the form in which a table stores them.

The rows of our own backups passed the gate once, and are stored unchanged. Those of a file made
elsewhere are validated by the dictionary's rules, like any row that is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import ValidationError

from shared.avro.columns import Chunk, Column, Ints, Nullable, Texts, Values
from shared.avro.postgres import column_of, repeated
from shared.avro.schemas import MILLISECONDS, NANOSECONDS, named
from shared.backups.errors import UnusableBackup
from shared.backups.mapping import Defaulted, Mapped
from shared.tables import bulk, stored
from shared.tables.column import avro_of
from shared.tables.kind import Kind
from shared.tables.kinds.timestamp import micros
from shared.tables.stored import ACCEPTED_AT, LOAD_ID, POSITION
from shared.tables.table import Table
from shared.validation import table_checks
from shared.validation.row import FieldError, validate_row

_THOUSAND = 1000
_MOST_MILLIS = 2**63 // 1000 - 1
_SHOWN = 10
_GIVEN_UP_AFTER = 100_000


@dataclass
class Rejected:
    """The rows of a file that break the dictionary's rules.

    Attributes:
        count: the number of rows.
        examples: key and errors of the first rows.
    """

    count: int
    examples: list[dict[str, Any]]

    def check(self) -> None:
        """Refuse the file if it has any such rows.

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
    """The restore as a load, for rows of a file that does not name their loads.

    Attributes:
        accepted_at: when the restore was requested.
        load_id: its entry in the ledger.
    """

    accepted_at: datetime
    load_id: UUID


class RowImport:
    """Turns the rows of a file into those of a table.

    Args:
        table: the table.
        columns: where each of its columns comes from.
        load: the load to fill in for rows that do not name theirs.
        check_rules: whether to validate the rows by the dictionary's rules.

    Attributes:
        rejected: the rows that broke the rules so far.
    """

    def __init__(
        self,
        table: Table,
        columns: Sequence[Mapped | Defaulted],
        load: RestoreLoad,
        *,
        check_rules: bool,
    ) -> None:
        self._table, self._columns, self._check_rules = table, columns, check_rules
        self._load = load
        self._stored = stored.columns(table)
        own = stored.values(load.accepted_at, load.load_id)
        self._own = {name: self._stored[name].to_avro(value) for name, value in own.items()}
        # Its rule is the kind's own.
        self._accepted: Any = self._stored[ACCEPTED_AT]
        self.rejected = Rejected(0, [])
        self._rows = 0

    @property
    def keeps_own(self) -> bool:
        """Whether the file has its rows' accepted_at and load_id."""
        own = stored.own(self._table)
        return not any(isinstance(c, Defaulted) and c.column in own for c in self._columns)

    def typed(self, chunk: Chunk) -> Chunk:
        """Convert the rows to the table's columns, and drop the rejected rows.

        Raises:
            AvroError: `damaged`, a text is not UTF-8.
            UnusableBackup: `bad_rows`, too many were rejected.
        """
        columns = {source.column: self._column(source, chunk) for source in self._columns}
        self._rows += chunk.rows
        found = Chunk(chunk.rows, columns)
        if self._check_rules and not self._is_plainly_good(found):
            return self._validate(found)
        return found

    def _column(self, source: Mapped | Defaulted, chunk: Chunk) -> Column:
        stored_as, own = self._stored[source.column], self._own.get(source.column)
        if source.column == POSITION:
            return self._positions(source, chunk)
        if isinstance(source, Defaulted):
            return repeated(stored_as, source.value if own is None else own, chunk.rows)
        column = chunk.columns[source.field.name]
        units = set(map(named, source.field.types))
        if NANOSECONDS in units:
            column = _micros_of_nanos(column)
        elif MILLISECONDS in units:
            column = _micros_of_millis(column)
        (declared, *_) = source.field.types
        if (convert := stored_as.convert_avro(declared)) is not None:
            found: list[Any] = list(column.to_list())
            column = Values([None if value is None else convert(value) for value in found])
        if own is not None and not isinstance(column, Ints | Texts):
            found = column.to_list()
            return column_of(stored_as, [own if value is None else value for value in found])
        return column

    def _positions(self, source: Mapped | Defaulted, chunk: Chunk) -> Column:
        """Number the rows of a file that does not."""
        numbers = range(self._rows, self._rows + chunk.rows)
        found: list[Any] = [None] * chunk.rows
        if isinstance(source, Mapped):
            column = chunk.columns[source.field.name]
            if isinstance(column, Ints):
                return column
            found = list(column.to_list())
        filled = (
            number if value is None else value for number, value in zip(numbers, found, strict=True)
        )
        return column_of(self._stored[POSITION], list(filled))

    def _is_plainly_good(self, chunk: Chunk) -> bool:
        if self._table.has_rules_beyond_fields or not self._is_past(chunk.columns[ACCEPTED_AT]):
            return False
        fields = self._table.fields
        if not all(_is_plainly_good(field, chunk.columns[name]) for name, field in fields.items()):
            return False
        checked = {
            name: table_checks.values_of_avro(fields[name], chunk.columns[name].to_list())
            for name in self._table.checked_names
        }
        return not table_checks.violating(self._table, checked)

    def _is_past(self, accepted_at: Column) -> bool:
        """Return whether all rows were accepted before this restore, in years that exist."""
        if not isinstance(accepted_at, Ints):
            return False
        values = accepted_at.values
        first, last = self._accepted.bulk.first, micros(self._load.accepted_at)
        return first <= int(values.min(initial=last)) and int(values.max(initial=first)) <= last

    def _accepted_at(self, value: Any) -> datetime | tuple[FieldError]:
        """Return when a row was accepted, or what is wrong with it."""
        known = self._accepted.bulk
        if type(value) is int and not known.first <= value <= known.last:
            return (FieldError(ACCEPTED_AT, "timestamp_out_of_range"),)
        try:
            moment: datetime = self._accepted.deserialize(self._accepted.json_of_avro(value))
        except ValidationError as error:
            refusal: Any = error.messages[0]
            return (FieldError(ACCEPTED_AT, refusal.code),)
        if moment > self._load.accepted_at:
            return (FieldError(ACCEPTED_AT, "in_the_future"),)
        return moment

    def _validate(self, chunk: Chunk) -> Chunk:
        fields = self._table.fields
        lists = [
            [
                None if value is None else field.json_of_avro(value)
                for value in chunk.columns[name].to_list()
            ]
            for name, field in fields.items()
        ]
        good: list[int] = []
        rows: list[dict[str, Any]] = []
        moments: list[datetime] = []
        accepted = map(self._accepted_at, chunk.columns[ACCEPTED_AT].to_list())
        loads = map(_load_id_errors, chunk.columns[LOAD_ID].to_list())
        for place, (moment, errors, *values) in enumerate(
            zip(accepted, loads, *lists, strict=True)
        ):
            row = dict(zip(fields, values, strict=True))
            verdict = validate_row(self._table, row)
            if isinstance(verdict, tuple) or isinstance(moment, tuple) or errors:
                found = [one for one in (verdict, moment, errors) if isinstance(one, tuple)]
                self._reject(row, sum(found, ()))
            else:
                good.append(place)
                rows.append(verdict)
                moments.append(moment)
        kept = {
            name: column_of(field, [avro_of(field, row[name]) for row in rows])
            for name, field in fields.items()
        }
        own = {name: _picked(chunk.columns[name], good) for name in stored.own(self._table)}
        own[ACCEPTED_AT] = column_of(self._accepted, list(map(self._accepted.to_avro, moments)))
        return Chunk(len(rows), kept | own)

    def _reject(self, row: dict[str, Any], errors: Sequence[FieldError]) -> None:
        self.rejected.count += 1
        if self.rejected.count > _GIVEN_UP_AFTER:
            # Too many to correct in a file, and the remaining rows can only add to them.
            self.rejected.check()
        if len(self.rejected.examples) < _SHOWN:
            sentences = [f"{error.field}: {error.sentence()}" for error in errors]
            key = {name: row[name] for name in self._table.key} or row
            self.rejected.examples.append({"key": key, "errors": sentences})


def _is_plainly_good(field: Kind, column: Column) -> bool:
    """Return whether the field's rule surely accepts a column's values."""
    if not field.is_quick_in_avro:
        return False
    if field.nullable and isinstance(column, Nullable):
        column = column.column
    if isinstance(field.bulk, bulk.Numbers) and isinstance(column, Ints):
        first, last = field.bulk.first, field.bulk.last
        values = column.values
        return int(values.min(initial=last)) >= first and int(values.max(initial=first)) <= last
    if isinstance(field.bulk, bulk.Texts) and isinstance(column, Texts):
        texts = column.to_list()
        return field.json_check is None or field.json_check(texts)
    # The file has the column in another type.
    return False


def _load_id_errors(value: Any) -> tuple[FieldError, ...]:
    try:
        UUID(value)
    except ValueError:
        return (FieldError(LOAD_ID, "not_a_uuid"),)
    return ()


def _micros_of_nanos(column: Column) -> Column:
    """Convert nanoseconds; a finer one than microseconds becomes its digits, which are rejected."""
    if isinstance(column, Ints) and not (column.values % _THOUSAND).any():
        return Ints(column.values // _THOUSAND)
    values: list[Any] = list(column.to_list())
    return Values(
        [
            value // _THOUSAND if type(value) is int and not value % _THOUSAND else _digits(value)
            for value in values
        ]
    )


def _micros_of_millis(column: Column) -> Column:
    """Convert milliseconds; a moment far beyond the calendar becomes another such moment."""
    if isinstance(column, Ints):
        return Ints(column.values.clip(-_MOST_MILLIS, _MOST_MILLIS) * _THOUSAND)
    values: list[Any] = list(column.to_list())
    return Values(
        [
            max(-_MOST_MILLIS, min(value, _MOST_MILLIS)) * _THOUSAND
            if type(value) is int
            else value
            for value in values
        ]
    )


def _digits(value: Any) -> Any:
    return None if value is None else str(value)


def _picked(column: Column, places: list[int]) -> Column:
    if isinstance(column, Ints):
        return Ints(column.values[places])
    if isinstance(column, Texts):
        return Texts(column.data, column.starts[places], column.lengths[places])
    found: list[Any] = column.to_list()
    return Values([found[place] for place in places])
