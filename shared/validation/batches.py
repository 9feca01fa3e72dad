"""Batches of rows as JSON, judged row by row, at the speed of C where the rows are good."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import msgspec

from shared.derive import structs
from shared.faults import PermanentFault
from shared.tables.fields import Integer
from shared.tables.table import Table
from shared.validation import columns, plain, strict_json
from shared.validation.files import Block
from shared.validation.rules import Reject, judge
from shared.validation.strict_json import NotStrictJson

MAX_ROWS = 1000


class BadBatch(PermanentFault):
    """A body that is no batch.

    Attributes:
        code: `not_json`, `duplicate_key`, `not_finite`, `too_deep`, `not_a_batch`, `empty_batch`
            or `too_many_rows`.
        pointer: where in the body, as a JSON pointer, or empty.
    """

    def __init__(self, code: str, sentence: str, pointer: str = "") -> None:
        self.code, self.pointer = code, pointer
        super().__init__(sentence)


@dataclass
class Verdict:
    """A batch, judged.

    Attributes:
        size: how many rows it has.
        rows: the good rows' values in the order of the table's fields; by index in the batch.
        rejects: the others.
        raw: the good rows as JSON, as they came; None where all of the body is good.
    """

    size: int
    rows: dict[int, Sequence[Any]]
    rejects: list[Reject] = field(default_factory=list)
    raw: list[bytes] | None = None

    def block(self) -> Block:
        """The rows as the write path takes them."""
        # Column by column, so that the work on a thousand rows is done in C.
        columns = [plain.copied_column(column) for column in zip(*self.rows.values(), strict=True)]
        lines = map("\t".join, zip(map(str, self.rows), *columns, strict=True))
        staged = ["\n".join([*lines, ""])] if self.rows else []
        return Block(staged=staged, rejects=self.rejects, read=self.size, shaped=self.size)

    def moved(self, positions: Sequence[int]) -> "Verdict":
        """The same with each index replaced by the position it stands for."""
        rows = {positions[index]: values for index, values in self.rows.items()}
        rejects = [replace(reject, position=positions[reject.position]) for reject in self.rejects]
        return Verdict(self.size, rows, rejects, self.raw)


class _Outer(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[msgspec.Raw]


_OUTER = msgspec.json.Decoder(_Outer)


def check(table: Table, body: bytes) -> Verdict:
    """Judge a body of the form `{"rows": [...]}`.

    Raises:
        BadBatch: it is no batch at all; says what, where and what to do.
    """
    return _checker(table).check(body)


@cache
def _checker(table: Table) -> "_Checker":
    return _Checker(table)


class _Checker:
    def __init__(self, table: Table) -> None:
        self.table = table
        self.whole = msgspec.json.Decoder(structs.batch(table))
        self.single = msgspec.json.Decoder(structs.row(table))
        self.columns = columns.checks(table)
        texts = sum(not isinstance(kind, Integer) for kind in table.fields.values())
        self.row_quotes = 2 * (len(table.fields) + texts)

    def check(self, body: bytes) -> Verdict:
        verdict = self._all_good(body) if self.columns is not None else None
        if verdict is None:
            verdict = self._row_by_row(body)
        return verdict

    def _all_good(self, body: bytes) -> Verdict | None:
        try:
            rows = self.whole.decode(body).rows  # type: ignore[attr-defined]
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        # Every row has all its fields and none beyond them: any further key is a doubled one, and
        # shows in the number of quotation marks.
        if not 1 <= len(rows) <= MAX_ROWS or _quotes(body) != 2 + len(rows) * self.row_quotes:
            return None
        values = [msgspec.structs.astuple(row) for row in rows]
        if self._doubtful(values):
            return None
        return Verdict(len(values), dict(enumerate(values)))

    def _doubtful(self, rows: list[tuple[Any, ...]]) -> list[tuple[int, columns.Check]]:
        """The checks that not all of the rows pass, each with its column."""
        return [
            (place, look)
            for place, look in self.columns or ()
            if not look([row[place] for row in rows])
        ]

    def _row_by_row(self, body: bytes) -> Verdict:
        raws = _split(body)
        typed = [self._typed(raw) for raw in raws]
        self._drop_doubled(raws, typed)
        decoded = [index for index, values in enumerate(typed) if values is not None]
        rows = [values for values in typed if values is not None]
        for place, look in self._doubtful(rows):
            for found in _failing(look, [values[place] for values in rows]):
                typed[decoded[found]] = None
        verdict = Verdict(len(raws), {}, raw=[])
        for index, (raw, values) in enumerate(zip(raws, typed, strict=True)):
            if values is not None:
                verdict.rows[index] = values
            else:
                self._ask_the_rules(verdict, index, raw)
        verdict.raw = [raws[index] for index in verdict.rows]
        return verdict

    def _drop_doubled(self, raws: list[bytes], typed: list[tuple[Any, ...] | None]) -> None:
        found = [index for index, values in enumerate(typed) if values is not None]
        # None has fewer than its fields take, so where the sum is right each of them is.
        if _quotes(b"".join([raws[index] for index in found])) == len(found) * self.row_quotes:
            return
        for index in found:
            if _quotes(raws[index]) != self.row_quotes:
                typed[index] = None

    def _ask_the_rules(self, verdict: Verdict, index: int, raw: bytes) -> None:
        given = _decode(raw, f"/rows/{index}")
        judged = judge(self.table, given)
        if isinstance(judged, tuple):
            verdict.rejects.append(Reject(index, given, judged))
        else:
            verdict.rows[index] = tuple(judged[name] for name in self.table.names)

    def _typed(self, raw: bytes) -> tuple[Any, ...] | None:
        if self.columns is None:
            # The table has rules that only marshmallow knows.
            return None
        try:
            return msgspec.structs.astuple(self.single.decode(raw))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None


def _failing(look: columns.Check, column: list[Any], first: int = 0) -> list[int]:
    """The places in a column that a check turns away, counted from `first`."""
    if look(column):
        return []
    if len(column) == 1:
        return [first]
    half = len(column) // 2
    return _failing(look, column[:half], first) + _failing(look, column[half:], first + half)


def _split(body: bytes) -> list[bytes]:
    try:
        rows = [bytes(raw) for raw in _OUTER.decode(body).rows]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        given = _decode(body, "")
        if not isinstance(given, dict) or set(given) != {"rows"} or type(given["rows"]) is not list:
            raise BadBatch(
                "not_a_batch", 'The body must be {"rows": [...]}, with nothing beside "rows".'
            ) from None
        # Half a surrogate pair is no JSON to msgspec; which row holds it is for the rules to say.
        rows = [json.dumps(row).encode() for row in given["rows"]]
    if _quotes(body) != 2 + _quotes(b" ".join(rows)):
        # More keys than the rows have: one of them stands twice, or escapes hide the marks.
        _decode(body, "")
    if not rows:
        raise BadBatch("empty_batch", "The batch has no rows; send 1 to 1000.", "/rows")
    if len(rows) > MAX_ROWS:
        raise BadBatch(
            "too_many_rows",
            f"The batch has {len(rows)} rows, at most {MAX_ROWS} are taken; split it.",
            "/rows",
        )
    return rows


def _quotes(text: bytes) -> int:
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')


def _decode(text: bytes, pointer: str) -> Any:
    try:
        return strict_json.decode(text)
    except NotStrictJson as fault:
        raise BadBatch(fault.code, str(fault), pointer) from None
