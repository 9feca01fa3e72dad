"""The quick path for CSV: accepts plainly good rows, and leaves every doubt to the rules.

It accepts a strict subset of what the dictionary accepts. The fields themselves define what is
plainly good, and how it is encoded for COPY.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

from shared.lazy import re2
from shared.tables.column import NULL
from shared.tables.kind import SURROGATES, CellEncoder, Kind
from shared.tables.table import Table

_NOTHING = r"(?!)"
# A cell without quotation marks.
_ANY_CHARACTER = rf'[^,"\r\n{SURROGATES}]'
_ANYTHING = f"{_ANY_CHARACTER}*"
# A pattern that counts further is compiled to megabytes.
_MOST_COUNTED = 4000
# RE2 falls back to a slow way if its states need more than this.
_RE2_BYTES = 64 << 20


class PlainLines:
    """Runs of lines of a table's file that are plainly good.

    One regular expression finds the longest run in one call. RE2 reads the file's bytes as UTF-8,
    and a line with a byte that is not ends a run.

    Args:
        table: the table of the rows.
        order: for each field of the table, the column that holds it, or None.
        numbered: whether a copied line starts with its position.

    Attributes:
        undecided: the fields that have no quick parts, as their place in the table; a run does not
            check them.
        columns: the table's fields in the order in which `copied` writes them.
    """

    def __init__(self, table: Table, order: Sequence[int | None], *, numbered: bool = True) -> None:
        self._numbered = numbered
        fields = list(table.fields.values())
        there = {column: place for place, column in enumerate(order) if column is not None}
        places = [there[column] for column in sorted(there)]
        missing = [place for place, column in enumerate(order) if column is None]
        self.columns = tuple(table.names[place] for place in (*places, *missing))
        self.undecided = [place for place in places if not _is_quick(fields[place])]
        # What stands for the columns that the file leaves out.
        self._tail = "".join(f"\t{_missing(fields[place])}" for place in missing).encode()
        quick = [fields[place] for place in places if place not in self.undecided]
        is_long = sum(map(_counted, quick)) > _MOST_COUNTED
        # A line of one empty cell is blank, and so no row.
        may_be_empty = len(places) > 1
        self._patterns = [
            _line_pattern(fields[place], is_open=is_long, may_be_empty=may_be_empty)
            for place in places
        ]
        self._run = _runs(self._patterns)
        self._doubt = _doubt(table, quick, is_open=is_long)

    def end(self, lines: bytes, start: int) -> int:
        """Return where the run that begins at `start` ends: there, if that line is doubtful."""
        found = self._run(lines, start)
        return start if found is None else int(found.end())

    def quoted_end(self, lines: bytes, start: int) -> int:
        """Return where the run ends in which cells may have quotation marks around them."""
        found = self._quoted_run(lines, start)
        return start if found is None else int(found.end())

    @cached_property
    def _quoted_run(self) -> Callable[[bytes, int], Any]:
        return _runs([f'(?:{pattern})|"(?:{pattern})"' for pattern in self._patterns])

    def is_doubtful(self, run: bytes) -> bool:
        """Whether a run may hold a cell that only `cell_matchers` tell from a good one."""
        return self._doubt is not None and self._doubt(run) is not None

    def copied(self, run: bytes, numbers: range | Sequence[int]) -> bytes:
        """Write a run, whose lines have these numbers, as COPY text."""
        if b"\r" in run:
            run = run.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        text = run.replace(b",", b"\t")
        if self._tail:
            text = text.replace(b"\n", self._tail + b"\n")
        if not self._numbered:
            return text
        # One join of many pieces, which runs in C.
        lines = text.splitlines(keepends=True)
        pieces = [b""] * (2 * len(lines))
        pieces[::2], pieces[1::2] = map(b"%d\t".__mod__, numbers), lines
        return b"".join(pieces)


def _runs(cells: Sequence[str]) -> Callable[[bytes, int], Any]:
    """Return a search for the longest run of lines with these patterns of cells."""
    match: Callable[[bytes, int], Any] = _compiled(
        rf"(?:(?:{'),(?:'.join(cells)})(?:\r\n|\n|\r))+"
    ).match
    return match


def cell_matchers(table: Table) -> Sequence[Callable[[str], re.Match[str] | None]]:
    """Return for each field a matcher of cells that are plainly good and their own COPY text."""
    return [re.compile(_pattern(table, field)).fullmatch for field in table.fields.values()]


def _is_quick(field: Kind) -> bool:
    """Whether a pattern tells that a cell is plainly good."""
    return field.is_quick_in_csv and field.cell_pattern is not None


def _pattern(table: Table, field: Kind) -> str:
    """Return the pattern of a cell that is plainly good in this table; it may match none."""
    if not _is_quick(field):
        return _NOTHING
    pattern = field.cell_pattern or _NOTHING
    if words := _words(table, field):
        pattern = f"(?!(?:{'|'.join(map(re.escape, words))})\\Z)(?:{pattern})"
    return _or_empty(pattern, field)


def _line_pattern(field: Kind, *, is_open: bool, may_be_empty: bool) -> str:
    """Return the pattern of a cell in a run. RE2 cannot look ahead, so `_doubt` finds the words."""
    if not _is_quick(field):
        return _ANYTHING if may_be_empty else f"{_ANY_CHARACTER}+"
    pattern = field.cell_pattern or _NOTHING
    if is_open and field.open_cell_pattern is not None:
        pattern, _ = field.open_cell_pattern
    return _or_empty(pattern, field) if may_be_empty else pattern


def _or_empty(pattern: str, field: Kind) -> str:
    # An empty cell is NULL, which has the same text in COPY.
    return f"(?:{pattern})?" if field.nullable and field.default is None else pattern


def _words(table: Table, field: Kind) -> list[str]:
    """The words for a missing value that the field's pattern matches."""
    is_word = re.compile(field.cell_pattern or _NOTHING).fullmatch
    return [word for word in table.missing if is_word(word)]


def _counted(field: Kind) -> int:
    """How far the pattern of a cell counts."""
    if field.open_cell_pattern is None:
        return 0
    _, most = field.open_cell_pattern
    # RE2 counts no further than a thousand.
    return most if most <= 1000 else _MOST_COUNTED + 1


def _doubt(table: Table, quick: Sequence[Kind], *, is_open: bool) -> Callable[[bytes], Any] | None:
    """Return a search for cells that a run may hold, though they are not plainly good."""
    words = {re.escape(word) for field in quick for word in _words(table, field)}
    found = [rf"(?:^|[,\r\n])(?:{'|'.join(sorted(words))})(?:[,\r\n]|$)"] if words else []
    if is_open:
        most = min(one.open_cell_pattern[1] for one in quick if one.open_cell_pattern is not None)
        # Where more is allowed, cells of a thousand characters are looked at one by one.
        found.append(rf"[^,\r\n]{{{min(most, 999) + 1}}}")
    return _compiled("|".join(found)).search if found else None


# Tables differ, and so do the headers of their files; one event seldom sees more.
@lru_cache(maxsize=16)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _RE2_BYTES
    options.log_errors = False
    # RE2 takes a pattern in UTF-8, which has no surrogates.
    return re2.compile(pattern.replace(SURROGATES, r"\x{d800}-\x{dfff}"), options)


def _missing(field: Kind) -> str:
    return NULL if field.default is None else field.copy_text(field.default)


def encoders(table: Table) -> Sequence[CellEncoder]:
    """Return for each field an encoder for COPY; it gives None if the rules must decide."""
    if table.has_rules_beyond_fields:
        return [_undecided for _ in table.fields]
    words = frozenset(table.missing)
    return [
        _encoder(field.cell_encoder, words) if field.is_quick_in_csv else _undecided
        for field in table.fields.values()
    ]


def _encoder(encode: CellEncoder, missing: frozenset[str]) -> CellEncoder:
    if missing == {""}:
        return encode
    return lambda cell: None if cell in missing else encode(cell)


def _undecided(_: str) -> None:
    return None
