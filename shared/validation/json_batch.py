"""Validates batches of rows in JSON, row by row; good rows take only fast calls in C."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from operator import attrgetter
from typing import Any

import msgspec

from shared import strict_json
from shared.errors import PermanentError
from shared.strict_json import NotFinite, NotStrictJson
from shared.tables.kind import ColumnCheck
from shared.tables.table import Table
from shared.validation import reasons, structs, table_checks
from shared.validation.row import (
    FieldError,
    Reject,
    check_error,
    cut,
    validate_fields,
    validate_row,
)
from shared.validation.rows import Block, Rows
from shared.validation.storable import storable_json

MAX_ROWS = 1000
# From this size on a body is split into its rows before any of them is decoded.
_LARGE_BYTES = 1 << 20


class BadBatch(PermanentError):
    """A body is not a batch.

    Attributes:
        code: `not_json`, `duplicate_key`, `too_deep`, `not_a_batch`, `empty_batch` or
            `too_many_rows`.
        pointer: the place of the error in the body, as a JSON pointer, or empty.
    """

    def __init__(self, code: str, sentence: str, pointer: str = "") -> None:
        self.code, self.pointer = code, pointer
        super().__init__(sentence)


@dataclass
class Verdict:
    """A validated batch.

    Attributes:
        size: how many rows it has.
        rows: the good rows' values in the order of the table's fields; by index in the batch.
        rejects: the bad rows.
        raw: the good rows as JSON, as received; None if all of the body is good.
    """

    size: int
    rows: Mapping[int, Sequence[Any]]
    rejects: list[Reject] = field(default_factory=list)
    raw: list[bytes] | None = None

    def block(self, table: Table) -> Block:
        """Return the rows, which belong to `table`, in the form that the write path takes."""
        columns: Sequence[Sequence[Any]] = (
            self.rows.columns
            if isinstance(self.rows, _AllGood)
            else list(zip(*self.rows.values(), strict=True))
        )
        rows = Rows(table, list(self.rows), columns) if columns else None
        return Block(rows=rows, rejects=self.rejects, read=self.size, shaped=self.size)

    def moved(self, positions: Sequence[int]) -> "Verdict":
        """Return the verdict with each index replaced by the position it stands for."""
        rows = {positions[index]: values for index, values in self.rows.items()}
        rejects = [
            msgspec.structs.replace(reject, position=positions[reject.position])
            for reject in self.rejects
        ]
        return Verdict(self.size, rows, rejects, self.raw)


class _AllGood(Mapping[int, Sequence[Any]]):
    """Decoded rows. To count them is free; their columns are extracted on first use."""

    def __init__(self, size: int, columns: Callable[[], Sequence[Sequence[Any]]]) -> None:
        self._size, self._columns = size, columns

    @cached_property
    def columns(self) -> Sequence[Sequence[Any]]:
        """The values of each field."""
        return self._columns()

    @cached_property
    def _made(self) -> dict[int, Sequence[Any]]:
        return dict(enumerate(zip(*self.columns, strict=True)))

    def __getitem__(self, index: int) -> Sequence[Any]:
        return self._made[index]

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._size))

    def __len__(self) -> int:
        return self._size

    def values(self) -> ValuesView[Sequence[Any]]:
        return self._made.values()


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BETWEEN = re.compile(rb"[ \t\r\n,]*")
_NONE = msgspec.Raw()
_NO_VALUE = ("", "null")
_NOT_GIVEN = (msgspec.Raw(), msgspec.Raw(b"null"))


@cache
def _outer() -> msgspec.json.Decoder[Any]:
    """Make the decoder of a batch whose rows stay text; it takes 5 ms to make."""
    # As a struct of so many fields, what follows them is passed over: only JSON text is longer.
    fields = [(f"row_{number}", msgspec.Raw, _NONE) for number in range(MAX_ROWS + 1)]
    texts = msgspec.defstruct("_Texts", fields, array_like=True, gc=False)
    outer = msgspec.defstruct("_Outer", [("rows", texts)], forbid_unknown_fields=True)
    return msgspec.json.Decoder(outer)


def check(table: Table, body: bytes, max_row_bytes: int = 1 << 20) -> Verdict:
    """Validate a body of the form `{"rows": [...]}`.

    Args:
        table: the table of the rows.
        body: JSON.
        max_row_bytes: a longer row is rejected, unless it is plainly good. It is not decoded: its
            values would take many times the size of their text.

    Raises:
        BadBatch: the body is not a batch; the text says what is wrong and what to do.
    """
    return _checker(table).check(body, max_row_bytes)


@cache
def _checker(table: Table) -> "_Checker":
    return _Checker(table)


class _Checker:
    def __init__(self, table: Table) -> None:
        self.table = table
        self.whole = msgspec.json.Decoder(structs.batch(table))
        self.single = msgspec.json.Decoder(structs.row(table))
        fields = table.fields.items()
        quick = {name: field for name, field in fields if field.is_quick_in_json}
        self.checks = {name: f.json_check for name, f in quick.items() if f.json_check is not None}
        # Decodes values one by one, for the rules.
        self.undecided = [name for name, _ in fields if name not in quick]
        self.raw = {name: field for name, field in fields if structs.is_raw(field)}
        self.texts = {name: field for name, field in self.raw.items() if name in quick}
        typed = {name: field for name, field in quick.items() if name not in self.texts}
        self.needed = {name: field for name, field in typed.items() if field.required}
        self.others = {name: field for name, field in typed.items() if not field.required}
        texts = sum(map(structs.is_text, self.needed.values()))
        self.row_quotes = 2 * (len(self.needed) + texts)

    def check(self, body: bytes, max_row_bytes: int) -> Verdict:
        if len(body) > _LARGE_BYTES:
            # It may have too many rows to decode them all.
            _split(body)
        rows = self._decoded(body)
        if rows is None:
            raws = _split(body)
            typed = [self._typed(raw) for raw in raws]
            self._drop_doubled(raws, typed)
            places = [index for index, row in enumerate(typed) if row is not None]
            found = self._suspect([typed[place] for place in places])
            suspect = {places[at]: found[at] for at in found}
            self._complete([typed[place] for place in places], found)
            return self._validated(raws, typed, suspect, max_row_bytes)
        suspect = self._suspect(rows)
        if not suspect:
            return Verdict(len(rows), _AllGood(len(rows), partial(self._columns, rows)))
        self._complete(rows, suspect)
        return self._validated(_split(body), rows, suspect, max_row_bytes)

    def _decoded(self, body: bytes) -> list[Any] | None:
        """Decode all rows, if each has the right types and no key twice."""
        if self.table.has_rules_beyond_fields:
            return None
        try:
            rows: list[Any] = self.whole.decode(body).rows  # type: ignore[attr-defined]
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        # Every row has exactly its fields, so any further key is a repeated one, and shows in the
        # number of quotation marks.
        plain = 1 <= len(rows) <= MAX_ROWS and _quotes(body) == 2 + self._quotes_of(rows)
        return rows if plain else None

    def _quotes_of(self, rows: Sequence[Any]) -> int:
        """Count the quotation marks that typed rows have if no key comes twice."""
        marks = len(rows) * self.row_quotes
        for name, kind in self.raw.items():
            texts: list[Any] = list(map(attrgetter(name), rows))
            absent = 0 if kind.required else texts.count(_NONE)
            marks += 2 * (len(texts) - absent) + _quotes(b" ".join(texts))
        for name, kind in self.others.items():
            values = list(map(attrgetter(name), rows))
            given = len(values) - values.count(msgspec.UNSET)
            marks += 2 * given
            if structs.is_text(kind):
                marks += 2 * (given - values.count(None))
        return marks

    def _suspect(self, rows: Sequence[Any]) -> dict[int, list[str]]:
        """Return the fields of typed rows that the rules must decide about, by the row's place."""
        found: dict[int, list[str]] = {}
        for name in self.undecided:
            for place in range(len(rows)):
                found.setdefault(place, []).append(name)
        for name, check in self.checks.items():
            values: list[Any] = list(map(attrgetter(name), rows))
            if not self.table.fields[name].required:
                check = (_of_texts_given if name in self.texts else _of_those_given)(check)  # noqa: PLW2901
            for place in _failing(check, values):
                found.setdefault(place, []).append(name)
        if self.table.compiled_checks:
            # The rules judge the checks of a suspect row.
            places = [place for place in range(len(rows)) if place not in found]
            for row in self._violating([rows[place] for place in places]):
                found[places[row]] = []
            for place, names in found.items():
                found[place] = [*dict.fromkeys((*names, *self.table.checked_names))]
        return found

    def _violating(self, rows: Sequence[Any]) -> set[int]:
        """Return the places of plainly good rows that violate a check."""
        if not rows:
            return set()
        columns = {
            name: table_checks.values_of_json(self.table.fields[name], self._given_of(name, rows))
            for name in self.table.checked_names
        }
        return table_checks.violating(self.table, columns)

    def _given_of(self, name: str, rows: Sequence[Any]) -> list[Any]:
        """Return the values of a field in plainly good rows, some of which may lack one."""
        values = list(map(attrgetter(name), rows))
        if name not in self.texts:
            return values
        kind = self.texts[name]
        texts = b"\n".join(values).decode().split("\n") if values else []
        if kind.required:
            return list(kind.of_json_texts(texts))
        found = iter(kind.of_json_texts([text for text in texts if text not in _NO_VALUE]))
        return [None if text in _NO_VALUE else next(found) for text in texts]

    def _columns(self, rows: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return [self._column(name, rows) for name in self.table.names]

    def _column(self, name: str, rows: Sequence[Any]) -> list[Any]:
        """Return the values of a field, with those that stand in for missing ones."""
        values, field = self._given_of(name, rows), self.table.fields[name]
        if field.required:
            return values
        return [
            field.default if value is None or value is msgspec.UNSET else value for value in values
        ]

    def _complete(self, rows: Sequence[Any], suspect: Mapping[int, Sequence[str]]) -> None:
        """Give typed rows the values that stand in for those that they lack, or for JSON text."""
        for name in (*self.others, *self.texts):
            # What is suspect may be any JSON text, of several lines, too.
            good = [row for place, row in enumerate(rows) if name not in suspect.get(place, ())]
            for row, value in zip(good, self._column(name, good), strict=True):
                setattr(row, name, value)

    def _validated(
        self,
        raws: list[bytes],
        typed: Sequence[Any],
        suspect: Mapping[int, Sequence[str]],
        max_row_bytes: int,
    ) -> Verdict:
        rows: dict[int, Sequence[Any]] = {}
        rejects: list[Reject] = []
        for index, (raw, row) in enumerate(zip(raws, typed, strict=True)):
            if row is not None and index not in suspect:
                rows[index] = msgspec.structs.astuple(row)
                continue
            if len(raw) > max_row_bytes:
                rejects.append(_too_long(index, raw, max_row_bytes))
                continue
            if row is None:
                given, known = self._read(raw, f"/rows/{index}"), {}
                if isinstance(given, dict):
                    given = self.table.as_named_now(given)
                validated = self._finite(given, validate_row(self.table, given))
            else:
                given = known = self._given(row, index)
                names = [name for name in self.table.names if name in suspect[index]]
                validated = self._finite(given, validate_fields(self.table, given, names))
            if isinstance(validated, tuple):
                rejects.append(Reject(index, _kept(raw, f"/rows/{index}"), validated))
            else:
                values = {**known, **validated}
                rows[index] = tuple(values[name] for name in self.table.names)
        return Verdict(len(raws), rows, rejects, [raws[index] for index in rows])

    def _finite(self, given: Any, validated: Any) -> Any:
        """Return the errors of a row that holds what is no finite number; else its verdict."""
        names = [n for n in self.table.names if isinstance(given, dict) and _holds(given.get(n))]
        if not names:
            return validated
        others = validated if isinstance(validated, tuple) else ()
        found = [FieldError(name, "not_finite") for name in names]
        unjudged = [
            check_error(check)
            for check in self.table.compiled_checks
            if not set(names).isdisjoint(check.names)
        ]
        found += [e for e in others if e.field not in names and e not in unjudged]
        # In the order of the fields, as everywhere; errors of no field come last.
        places = {name: place for place, name in enumerate(self.table.names)}
        return tuple(sorted(found, key=lambda error: places.get(error.field, len(places))))

    def _read(self, raw: bytes, pointer: str) -> Any:
        """Decode a row as far as its errors need it: what else it holds may be large."""
        # What has few brackets is decoded soon.
        if not strict_json.may_be_too_deep(raw):
            return _decode(raw, pointer)
        try:
            members = _MEMBERS.decode(raw)
            strict_json.characters(raw)
        except (NotStrictJson, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return _decode(raw, pointer)
        doubled = _quotes(raw) != 2 * len(members) + _quotes(b" ".join(members.values()))
        if doubled or strict_json.is_too_deep(raw):
            return _decode(raw, pointer)
        return {
            name: self._read_value(name, bytes(value), pointer) for name, value in members.items()
        }

    def _read_value(self, name: str, text: bytes, pointer: str) -> Any:
        name = self.table.earlier_names.get(name, name)
        if name not in self.table.fields:
            return None
        if name not in self.undecided and text.startswith((b"[", b"{")):
            # Wrong, whatever it holds.
            return []
        return _decode(text, pointer)

    def _given(self, row: Any, index: int) -> dict[str, Any]:
        found = msgspec.structs.asdict(row).items()
        given = {name: value for name, value in found if value is not msgspec.UNSET}
        for name in self.raw:
            if isinstance(given.get(name), msgspec.Raw):
                text = bytes(given.pop(name))
                if text:
                    given[name] = _decode(text, f"/rows/{index}")
        return given

    def _drop_doubled(self, raws: list[bytes], typed: list[Any]) -> None:
        found = [index for index, row in enumerate(typed) if row is not None]
        # No row has fewer marks than its fields take, so if the sum is right, each row is.
        whole = _quotes(b"".join([raws[index] for index in found]))
        if whole == self._quotes_of([typed[index] for index in found]):
            return
        for index in found:
            if _quotes(raws[index]) != self._quotes_of([typed[index]]):
                typed[index] = None

    def _typed(self, raw: bytes) -> Any:
        if self.table.has_rules_beyond_fields:
            return None
        try:
            return self.single.decode(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None


def _of_those_given(check: ColumnCheck) -> ColumnCheck:
    return lambda column: check(
        [value for value in column if value is not None and value is not msgspec.UNSET]
    )


def _of_texts_given(check: ColumnCheck) -> ColumnCheck:
    return lambda column: check([raw for raw in column if raw not in _NOT_GIVEN])


def _failing(check: ColumnCheck, column: list[Any], first: int = 0) -> list[int]:
    """Return the places in a column that a check does not accept, counted from `first`."""
    if check(column):
        return []
    if len(column) == 1:
        return [first]
    half = len(column) // 2
    return _failing(check, column[:half], first) + _failing(check, column[half:], first + half)


def _split(body: bytes) -> list[bytes]:
    """Return the text of each row, without decoding any."""
    text, rows = body, _texts(body)
    if rows is None:
        text = strict_json.without_oddities(body)
        rows = _texts(text)
    if rows is None:
        if wrong := strict_json.malformed(body):
            raise BadBatch(wrong.code, str(wrong))
        raise BadBatch(
            "not_a_batch", 'The body must be {"rows": [...]}, with nothing besides "rows".'
        )
    if not rows:
        raise BadBatch("empty_batch", "The batch has no rows; send 1 to 1000.", "/rows")
    if len(rows) > MAX_ROWS:
        raise BadBatch(
            "too_many_rows", f"The batch has more than {MAX_ROWS} rows; split it.", "/rows"
        )
    if _quotes(text) != 2 + _quotes(b" ".join(rows)):
        # Only rows that a later list replaces have more quotation marks.
        raise BadBatch("duplicate_key", "The key 'rows' occurs twice in an object; keep one.")
    return rows if text is body else list(_cut_out(body, text, rows))


def _texts(text: bytes) -> list[bytes] | None:
    """Return the text of each row, at most one too many; None if it is not a batch for msgspec."""
    try:
        found = _outer().decode(text).rows
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return [bytes(raw) for raw in msgspec.structs.astuple(found) if raw is not _NONE]


def _cut_out(body: bytes, text: bytes, rows: Sequence[bytes]) -> Iterator[bytes]:
    """Yield what stands in a body where the rows stand in a text of the same length."""
    place = text.index(b"[") + 1
    for row in rows:
        place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]
        yield body[place : place + len(row)]
        place += len(row)


def _too_long(index: int, raw: bytes, max_bytes: int) -> Reject:
    try:
        text = strict_json.characters(raw)
    except NotStrictJson as error:
        raise BadBatch(error.code, str(error), f"/rows/{index}") from None
    return cut(index, text, (FieldError(reasons.ROW, "row_too_long", {"maximum": max_bytes}),))


def _kept(raw: bytes, pointer: str) -> msgspec.Raw:
    try:
        return storable_json(raw)
    except NotStrictJson as error:
        raise BadBatch(error.code, str(error), pointer) from None


def _holds(value: Any) -> bool:
    """Return whether a value is, or holds, what is no finite number."""
    if isinstance(value, dict | list):
        return any(map(_holds, value.values() if isinstance(value, dict) else value))
    return isinstance(value, NotFinite)


def _quotes(text: bytes) -> int:
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')


def _decode(text: bytes, pointer: str) -> Any:
    try:
        return strict_json.decode_row(text)
    except NotStrictJson as error:
        raise BadBatch(error.code, str(error), pointer) from None
