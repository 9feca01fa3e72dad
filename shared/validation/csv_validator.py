"""Validates the lines of a CSV file into blocks.

Most lines are found in runs that are plainly good, and copied as bytes. The others are validated by
columns, and the few with quotation marks one by one.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, compress, repeat
from typing import Any

from shared.formulas import unshield
from shared.tables.column import copy_text
from shared.tables.table import Table
from shared.validation import csv_reader, plain, reasons, table_checks
from shared.validation.csv_reader import (
    Record,
    Records,
    count_lines,
    last_end,
    line_end,
    without_end,
)
from shared.validation.header import Layout
from shared.validation.row import FieldError, Reject, validate_cell, validate_cells
from shared.validation.rows import Block

# Lines that are validated together: enough to make the work per column cheap.
_LINES = 2048
# After so many lines without a run between them, this much is validated by columns before the next
# look for one.
_MISSES = 16
_PIECE_BYTES = 16 << 10

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
        if not shape.notes and shape.has_only_fields and not table.has_rules_beyond_fields:
            self._plain = plain.PlainLines(table, shape.order, numbered=numbered)
        # In the order of the file, so that a run need not be taken apart.
        self.columns = self._plain.columns if self._plain else table.names
        self._places = [table.names.index(name) for name in self.columns]

    def fill(self, records: Records, block: Block) -> None:
        """Validate the lines that `records` has in its buffer, and a row that begins in it."""
        data, at = records.pending() or (b"", 0)
        number, misses = records.line, 0
        # A line that was cut may look good up to the cut.
        lines = None if records.cut else self._plain
        runs: list[bytes] = []
        numbers: list[range] = []
        doubtful: list[bytes] = []
        places: list[int] = []
        while at < len(data):
            end, piece = lines.end(data, at) if lines else at, b""
            if end == at:
                piece = _doubtful_lines(data, at, misses)
                if lines and b'"' in piece:
                    end = lines.quoted_end(data, at)
            if end > at:
                run = data[at:end]
                known = records.lines if at == 0 and end == len(data) else None
                numbers.append(range(number, number + (known or count_lines(run))))
                # Where each cell is plainly good, they only stand around whole cells.
                runs.append(run.replace(b'"', b"") if piece else run)
                at, number, misses = end, numbers[-1].stop, 0
                continue
            if records.cut or b'"' in piece:
                # A piece with a quotation mark is one line.
                row = None if records.cut else csv_reader.record(number, piece)
                if row is not None:
                    self.add(row, block)
                    at, number = at + len(piece), number + 1
                    continue
                records.skip(at, number)
                if (record := records.read()) is not None:
                    self.add(record, block)
                left = records.pending()
                if left is None or left[0] is not data:
                    # The row ended in a later chunk, for which the lines above do not wait.
                    break
                at, number = left[1], records.line
                continue
            each = piece.splitlines(keepends=True)
            places += range(number, number + len(each))
            doubtful += each
            at, number, misses = at + len(piece), number + len(each), misses + 1
            if len(doubtful) >= _LINES:
                self._add_doubtful(doubtful, places, block)
                doubtful, places = [], []
        else:
            records.skip(at, number)
        self._add_doubtful(doubtful, places, block)
        if self._plain is not None and runs:
            self._add_runs(self._plain, runs, numbers, block)

    def _add_runs(
        self, lines: plain.PlainLines, runs: list[bytes], numbers: list[range], block: Block
    ) -> None:
        """Add lines that a pattern found to be plainly good."""
        found = b"".join(runs)
        places: Sequence[int] = numbers[0] if len(numbers) == 1 else list(chain(*numbers))
        # Without a doubt about the run, its pattern vouches for all fields that it decides.
        left = range(len(self._fields)) if lines.is_doubtful(found) else lines.undecided
        if left or self.table.compiled_checks:
            doubtful = self._doubtful(found, left)
            if doubtful:
                each = found.splitlines(keepends=True)
                good = [True] * len(each)
                for row in doubtful:
                    good[row] = False
                self._add_doubtful(
                    [each[row] for row in doubtful], [places[row] for row in doubtful], block
                )
                found, places = b"".join(compress(each, good)), list(compress(places, good))
        if found:
            block.stage(lines.copied(found, places), len(places))

    def _doubtful(self, run: bytes, left: Iterable[int]) -> list[int]:
        """Return the places of lines in a run with a doubtful cell in these fields, or a check."""
        text = run.decode().replace("\r\n", "\n").replace("\r", "\n")
        cells = text.removesuffix("\n").replace("\n", ",").split(",")
        columns = {
            place: cells[column :: self.shape.width]
            for place, column in enumerate(self.shape.order)
            if column is not None
        }
        found: set[int] = set()
        for place in left:
            column = columns.get(place, [])
            copied, failing = self._column(place, column)
            found.update(row for row, _ in failing)
            if copied is not column:
                found.update(row for row, cell in enumerate(column) if copied[row] != cell)
        if self.table.compiled_checks:
            lines = len(cells) // self.shape.width
            checked = [place for place in range(lines) if place not in found]
            values = {
                name: self._values(self.table.names.index(name), columns, checked)
                for name in self.table.checked_names
            }
            found.update(checked[row] for row in table_checks.violating(self.table, values))
        return sorted(found)

    def _values(
        self, place: int, columns: dict[int, list[str]], rows: Sequence[int]
    ) -> Sequence[Any]:
        """Return the checked values of a field in some good rows."""
        field = self._fields[place]
        if place not in columns:
            return [field.default] * len(rows)
        column = columns[place]
        cells = column if len(rows) == len(column) else [column[row] for row in rows]
        return table_checks.values_of_cells(field, cells)

    def add(self, record: Record, block: Block) -> None:
        """Validate one record into `block`."""
        if record.error is not None:
            block.reject(Reject(record.line, record.cells[0], (record.error,)))
        elif record.cells:
            self._add_cells(record.line, record.cells, block)

    def _add_doubtful(self, lines: list[bytes], numbers: list[int], block: Block) -> None:
        if not lines:
            return
        try:
            texts = list(map(bytes.decode, map(without_end, lines)))
        except UnicodeDecodeError:
            self._add_decodable(lines, numbers, block)
            return
        # A blank line is not a row.
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

    def _add_decodable(self, lines: list[bytes], numbers: list[int], block: Block) -> None:
        """Reject the lines that are not UTF-8, and validate the others."""
        good: list[int] = []
        for place, line in enumerate(lines):
            found = csv_reader.record(numbers[place], line)
            if found is None or found.error is None:
                good.append(place)
            else:
                self.add(found, block)
        self._add_doubtful([lines[p] for p in good], [numbers[p] for p in good], block)

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
            copied = [copied[place] for place in self._places]
            if self.numbered:
                copied.insert(0, list(map(str, numbers)))
            left = [row not in wrong for row in range(len(texts))]
            lines = list(compress(map("\t".join, zip(*copied, strict=True)), left))
            block.stage("\n".join([*lines, ""]).encode(), len(lines))
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
        ordered = [encoded[place] for place in self._places]
        block.stage(("\t".join([*position, *ordered]) + "\n").encode(), 1)  # type: ignore[list-item]

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


def _doubtful_lines(data: bytes, start: int, misses: int) -> bytes:
    """Return the next line; where runs are rare, and so dear to look for, several without quotes.

    Args:
        data: whole lines.
        start: where the next one begins.
        misses: how often there was no run.
    """
    end = line_end(data, start)
    if misses >= _MISSES:
        stop = min(len(data), start + _PIECE_BYTES)
        quote = data.find(b'"', start, stop)
        end = last_end(data, end, stop if quote < 0 else quote)
    return data[start:end]
