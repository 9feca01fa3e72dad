"""Validates a CSV file row by row, in blocks of constant size.

Most lines are recognised as good by one pattern; the others are validated by columns, and the few
with quotation marks one by one.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, repeat
from operator import attrgetter, itemgetter
from typing import Any, BinaryIO

from shared.errors import UnreadableFile
from shared.formulas import unshield
from shared.tables.column import copy_text
from shared.tables.table import Table
from shared.validation import csv_reader, plain, reasons, table_checks
from shared.validation.csv_reader import Record, Records
from shared.validation.header import Layout, layout
from shared.validation.limits import DEFAULT, Limits
from shared.validation.row import FieldError, Reject, validate_cell, validate_cells
from shared.validation.rows import Block

BLOCK_CHARACTERS = 2 << 20
# Lines that are validated together: enough to make the work per column cheap.
_LINES = 2048
# Lines matched in one C call, about a millisecond, in which no other thread can run.
_AT_ONCE = 1024

Failing = list[tuple[int, tuple[FieldError, ...]]]


class CsvValidator:
    """Validates rows into blocks.

    Args:
        table: the table of the rows.
        shape: which column of the file holds which field.
        numbered: whether each staged row starts with its line number.
    """

    def __init__(self, table: Table, shape: Layout, *, numbered: bool) -> None:
        self.table, self.shape, self.numbered = table, shape, numbered
        self._encoders = plain.encoders(table)
        self._fields = list(table.fields.values())
        self._matchers = plain.cell_matchers(table)
        self._plain = None
        if not shape.notes and shape.has_only_fields:
            self._plain = plain.PlainLines(table, shape.order, numbered=numbered)

    def matches(self, lines: list[str]) -> list[Any]:
        """Return for each line its match as plainly good, or None."""
        if self._plain is None:
            return [None] * len(lines)
        found: list[Any] = []
        for start in range(0, len(lines), _AT_ONCE):
            found += map(self._plain.match, lines[start : start + _AT_ONCE])
        for place, group in self._plain.undecided:
            self._decide(place, group, found)
        if self.table.compiled_checks:
            self._judge(found)
        return found

    def _decide(self, place: int, group: int, matches: list[Any]) -> None:
        """Drop the matches whose cell in this column is not good COPY text as it is."""
        lines = [line for line, match in enumerate(matches) if match is not None]
        cells = [matches[line][group] for line in lines]
        copied, failing = self._column(place, cells)
        wrong = {row for row, _ in failing}
        for row, line in enumerate(lines):
            if row in wrong or copied[row] != cells[row]:
                matches[line] = None

    def _judge(self, matches: list[Any]) -> None:
        """Drop the matches of rows that violate a check."""
        lines = [line for line, match in enumerate(matches) if match is not None]
        found = [matches[line] for line in lines]
        columns = {name: self._values(name, found) for name in self.table.checked_names}
        for row in table_checks.violating(self.table, columns):
            matches[lines[row]] = None

    def _values(self, name: str, matches: list[Any]) -> Sequence[Any]:
        """Return the checked values of a field in lines that match."""
        place = self.table.names.index(name)
        field, column = self._fields[place], self.shape.order[place]
        if column is None:
            return [field.default] * len(matches)
        cells = list(map(itemgetter(column + 1), matches))
        return table_checks.values_of_cells(field, cells)

    def add(self, record: Record, block: Block) -> None:
        """Validate one record into `block`."""
        if record.error is not None:
            block.reject(Reject(record.line, record.cells[0], (record.error,)))
        else:
            self._add_cells(record.line, record.cells, block)

    def add_lines(
        self, lines: Sequence[str], matches: Sequence[Any], number: int, block: Block
    ) -> None:
        """Validate lines into `block`; those without a match must hold no quotation mark.

        Args:
            lines: the lines.
            matches: for each line its match as plainly good, or None.
            number: line number of the first.
            block: receives the rows; the good ones not in the order of the file.
        """
        numbers = range(number, number + len(lines))
        if None not in matches:
            good, doubtful = lines, []
        else:
            good = list(compress(lines, matches))
            doubtful = [place for place, match in enumerate(matches) if match is None]
        if good and self._plain is not None:
            places = numbers if good is lines else list(compress(numbers, matches))
            found = matches if good is lines else list(filter(None, matches))
            block.stage(self._plain.copied(good, found, places), len(good))
        if doubtful:
            self._add_doubtful([lines[p] for p in doubtful], [numbers[p] for p in doubtful], block)

    def _add_doubtful(self, lines: list[str], numbers: list[int], block: Block) -> None:
        before = len(block.rejects)
        # A blank line is not a row.
        texts = [line.rstrip("\r\n") for line in lines]
        commas = list(map(str.count, texts, repeat(",")))
        fits = [count == self.shape.width - 1 for count in commas]
        if not all(fits) or "" in texts:
            for place, text in enumerate(texts):
                if text and not fits[place]:
                    self._reject_shape(numbers[place], text.split(","), block)
            fits = [fit and text != "" for fit, text in zip(fits, texts, strict=True)]
            texts, numbers = list(compress(texts, fits)), list(compress(numbers, fits))
        if self.table.has_rules_beyond_fields:
            for number, text in zip(numbers, texts, strict=True):
                self._add_cells(number, text.split(","), block)
        elif texts:
            self._add_columns(numbers, texts, block)
        block.rejects[before:] = sorted(block.rejects[before:], key=attrgetter("position"))

    def _add_columns(self, numbers: list[int], texts: list[str], block: Block) -> None:
        """Validate rows of the right width, a column at a time."""
        # Avoid a list per row: thousands of them would keep the garbage collector busy.
        cells = ",".join(texts).split(",")
        if self.shape.notes:
            cells = list(map(unshield, cells))
        absent = [""] * len(texts)
        columns = [
            absent if place is None else cells[place :: self.shape.width]
            for place in self.shape.order
        ]
        copied: list[list[str]] = []
        wrong: dict[int, tuple[FieldError, ...]] = {}
        for place, column in enumerate(columns):
            good, failing = self._column(place, column)
            copied.append(good)
            for row, errors in failing:
                wrong[row] = wrong[row] + errors if row in wrong else errors
        if self.table.compiled_checks:
            checked = {
                name: self._validated(name, column)
                for name, column in zip(self.table.names, columns, strict=True)
                if name in self.table.checked_names
            }
            for row, errors in table_checks.errors(self.table, checked).items():
                wrong[row] = wrong.get(row, ()) + errors
        if len(wrong) < len(texts):
            if self.numbered:
                copied.insert(0, list(map(str, numbers)))
            left = [row not in wrong for row in range(len(texts))]
            lines = list(compress(map("\t".join, zip(*copied, strict=True)), left))
            block.stage("\n".join([*lines, ""]), len(lines))
        names = self.table.names
        for row, values in enumerate(zip(*columns, strict=True)):
            if row in wrong:
                raw = dict(zip(names, values, strict=True))
                block.reject(Reject(numbers[row], raw, wrong[row]), shaped=True)

    def _validated(self, name: str, column: Sequence[str]) -> list[Any]:
        """Return for each cell its checked value, or a tuple of its errors."""
        place = self.table.names.index(name)
        matches = list(map(self._matchers[place], column))
        good = list(compress(column, matches))
        values = iter(table_checks.values_of_cells(self._fields[place], good))
        return [
            next(values) if match is not None else validate_cell(self.table, name, cell)
            for match, cell in zip(matches, column, strict=True)
        ]

    def _column(self, place: int, column: list[str]) -> tuple[list[str], Failing]:
        """Return the cells of a column as COPY text, and the errors of the bad rows."""
        matches = list(map(self._matchers[place], column))
        if None not in matches:
            return column, []
        copied = list(column)
        failing: Failing = []
        known: dict[str, str | tuple[FieldError, ...]] = {}
        for row, match in enumerate(matches):
            if match is None:
                cell = column[row]
                verdict = known.get(cell)
                if verdict is None:
                    verdict = known[cell] = self._cell(place, cell)
                if isinstance(verdict, str):
                    copied[row] = verdict
                else:
                    failing.append((row, verdict))
        return copied, failing

    def _cell(self, place: int, cell: str) -> str | tuple[FieldError, ...]:
        encoded = self._encoders[place](cell)
        if encoded is not None:
            return encoded
        verdict = validate_cell(self.table, self.table.names[place], cell)
        return verdict if isinstance(verdict, tuple) else copy_text(self._fields[place], verdict)

    def _add_cells(self, line: int, cells: list[str], block: Block) -> None:
        if len(cells) != self.shape.width:
            self._reject_shape(line, cells, block)
            return
        if self.shape.notes:
            cells = [unshield(cell) for cell in cells]
        if not self.shape.straight:
            cells = ["" if place is None else cells[place] for place in self.shape.order]
        encoded = [encode(cell) for encode, cell in zip(self._encoders, cells, strict=True)]
        if None in encoded or self.table.compiled_checks:
            verdict = validate_cells(self.table, cells, encoded)
            if isinstance(verdict, tuple):
                raw = dict(zip(self.table.names, cells, strict=True))
                block.reject(Reject(line, raw, verdict), shaped=True)
                return
            encoded = [
                copy_text(field, value) if known is None else known
                for field, value, known in zip(self._fields, verdict, encoded, strict=True)
            ]
        position = [str(line)] if self.numbered else []
        block.stage("\t".join([*position, *encoded]) + "\n", 1)  # type: ignore[list-item]

    def _reject_shape(self, line: int, cells: list[str], block: Block) -> None:
        expected = self.shape.width
        if self.shape.notes:
            cells, expected = self._without_notes(cells)
        found = len(cells)
        code = "too_few_fields" if found < expected else "too_many_fields"
        facts = {"found": found, "expected": expected}
        block.reject(Reject(line, cells, (FieldError(reasons.ROW, code, facts),)))

    def _without_notes(self, cells: list[str]) -> tuple[list[str], int]:
        """Return the cells as they were before the notes were added, and how many are expected."""
        fields = len(self.table.names)
        if (
            len(cells) > self.shape.width
            and max(filter(None, self.shape.order), default=0) < fields
        ):
            # In a file of corrections the notes always come last.
            return [unshield(cell) for cell in cells[: fields - self.shape.width]], fields
        return [unshield(cell) for cell in cells], self.shape.width


def blocks(
    table: Table,
    stream: BinaryIO,
    max_line_bytes: int,
    *,
    numbered: bool = True,
    limits: Limits = DEFAULT,
) -> Iterator[Block]:
    """Validate a CSV file of `table`; memory does not grow with the file.

    Args:
        table: the table whose rows the file holds.
        stream: the file's bytes.
        max_line_bytes: a longer line is rejected.
        numbered: whether each staged row starts with its line number.
        limits: what loading it may cost.

    Raises:
        UnreadableFile: the file as a whole is not a CSV of this table; raised after any block.
    """
    records = Records(csv_reader.read_lines(stream, max_line_bytes, limits), max_line_bytes)
    shape, first = opening(table, records)
    rows = validate(table, shape, records, first, numbered=numbered)
    yield from whole_file(table, shape, rows, limits)


def opening(table: Table, records: Records) -> tuple[Layout, Record | None]:
    """Return the layout of a file, and its first row unless that is a header.

    Raises:
        UnreadableFile: the file is empty, or its header does not match the table.
    """
    first = records.read()
    while first is not None and not first.cells:
        first = records.read()
    if first is None:
        raise UnreadableFile("empty", "The file is empty. Drop it again with rows in it.")
    shape = Layout(tuple(range(len(table.names))), len(table.names))
    if first.error is None:
        shape = layout(table, first.cells)
    return shape, None if shape.header else first


def validate(
    table: Table,
    shape: Layout,
    records: Records,
    first: Record | None = None,
    *,
    numbered: bool = True,
) -> Iterator[Block]:
    """Validate rows of a file, `first` and then those of `records`, in blocks of constant size."""
    validator = CsvValidator(table, shape, numbered=numbered)
    begun = Block()
    if first is not None:
        validator.add(first, begun)
    for block in _filled(validator, records, begun):
        if block.read:
            yield block


def whole_file(
    table: Table, shape: Layout, blocks: Iterable[Block], limits: Limits = DEFAULT
) -> Iterator[Block]:
    """Pass on the blocks of a whole file.

    Raises:
        UnreadableFile: `too_many_rejects` beyond the `limits`; after the last block, if no row had
            the table's number of columns.
    """
    read = shaped = rejected = 0
    for block in blocks:
        read, shaped = read + block.read, shaped + block.shaped
        rejected += len(block.rejects)
        if block.rejects:
            limits.check_rejects(read, rejected, block)
        yield block
    if read and not shaped:
        raise UnreadableFile(
            "wrong_columns",
            f"None of the {read} rows has the {shape.width} columns of the table "
            f"({', '.join(table.names)}). Drop a file of this table, separated by commas.",
            rows=read,
            expected=shape.width,
        )


def _filled(validator: CsvValidator, records: Records, block: Block) -> Iterator[Block]:
    while (lines := records.pending()) is not None:
        # A line that was cut may look good up to the cut.
        matches = validator.matches([] if records.cut else lines) or [None] * len(lines)
        quoted = _quoted(lines, matches, cut=records.cut)
        place = 0
        while place < len(lines):
            end = min(_from(quoted, place), place + _LINES)
            if end > place:
                validator.add_lines(lines[place:end], matches[place:end], records.line, block)
                records.skip(end - place)
            elif (record := records.read()) is not None:
                validator.add(record, block)
            place = records.place(lines)
            if block.size > BLOCK_CHARACTERS:
                yield block
                block = Block()
    yield block


def _quoted(lines: Sequence[str], matches: Sequence[object], *, cut: bool) -> list[int]:
    """Return the places of the lines that only `Records` can read, then the end."""
    found = [
        place for place, line in enumerate(lines) if matches[place] is None and (cut or '"' in line)
    ]
    return [*found, len(lines)]


def _from(places: Sequence[int], start: int) -> int:
    """Return the first of the places at or after `start`."""
    return places[bisect_left(places, start)]
