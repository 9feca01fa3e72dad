"""Judging the rows of a CSV file: most lines with one pattern each, doubtful ones by columns."""

from collections.abc import Sequence
from itertools import compress, repeat
from operator import attrgetter
from typing import Any

from shared.tables.table import Table
from shared.validation import plain, reasons
from shared.validation.block import Block
from shared.validation.formulas import unshield
from shared.validation.header import Layout
from shared.validation.records import Record
from shared.validation.row import FieldError, Reject, judge_cell, judge_cells

Failing = list[tuple[int, tuple[FieldError, ...]]]

# Nothing else runs in this process meanwhile: a millisecond's work.
_AT_ONCE = 1024


class Judge:
    """Judges rows into blocks.

    Args:
        table: whose rows they are.
        shape: where the file's columns are.
        numbered: whether each staged row has its line in the file before its fields.
    """

    def __init__(self, table: Table, shape: Layout, *, numbered: bool) -> None:
        self.table, self.shape, self.numbered = table, shape, numbered
        self._encoders = plain.encoders(table)
        self._fields = list(table.fields.values())
        self._matchers = plain.cell_matchers(table)
        self._plain = None
        if not shape.notes:
            self._plain = plain.PlainLines(table, shape.order, numbered=numbered)

    def matches(self, lines: list[str]) -> list[Any]:
        """For each line what it matched as plainly good, or None."""
        if self._plain is None:
            return [None] * len(lines)
        found: list[Any] = []
        for start in range(0, len(lines), _AT_ONCE):
            found += map(self._plain.match, lines[start : start + _AT_ONCE])
        for place, group in self._plain.undecided:
            self._decide(place, group, found)
        return found

    def _decide(self, place: int, group: int, matches: list[Any]) -> None:
        """Withdraw the matches whose cell of this field is not, as it is, good COPY text."""
        lines = [line for line, match in enumerate(matches) if match is not None]
        cells = [matches[line][group] for line in lines]
        copied, failing = self._column(place, cells)
        wrong = {row for row, _ in failing}
        for row, line in enumerate(lines):
            if row in wrong or copied[row] != cells[row]:
                matches[line] = None

    def take(self, record: Record, block: Block) -> None:
        """Judge one record into `block`."""
        if record.error is not None:
            block.turn_away(Reject(record.line, record.cells[0], (record.error,)))
        else:
            self._take_cells(record.line, record.cells, block)

    def take_lines(
        self, lines: Sequence[str], matches: Sequence[Any], number: int, block: Block
    ) -> None:
        """Judge lines, those in doubt without quotation marks, into `block`.

        Args:
            lines: the lines.
            matches: what each matched as plainly good, or None.
            number: of the first.
            block: where they go; the good ones not in order.
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
            self._take_doubtful([lines[p] for p in doubtful], [numbers[p] for p in doubtful], block)

    def _take_doubtful(self, lines: list[str], numbers: list[int], block: Block) -> None:
        before = len(block.rejects)
        # A blank line is no row.
        texts = [line.rstrip("\r\n") for line in lines]
        commas = list(map(str.count, texts, repeat(",")))
        fits = [count == self.shape.width - 1 for count in commas]
        if not all(fits) or "" in texts:
            for place, text in enumerate(texts):
                if text and not fits[place]:
                    self._misshapen(numbers[place], text.split(","), block)
            fits = [fit and text != "" for fit, text in zip(fits, texts, strict=True)]
            texts, numbers = list(compress(texts, fits)), list(compress(numbers, fits))
        if self.table.has_rules_beyond_fields:
            for number, text in zip(numbers, texts, strict=True):
                self._take_cells(number, text.split(","), block)
        elif texts:
            self._take_columns(numbers, texts, block)
        block.rejects[before:] = sorted(block.rejects[before:], key=attrgetter("position"))

    def _take_columns(self, numbers: list[int], texts: list[str], block: Block) -> None:
        """Judge rows of the right width, a column at a time."""
        # No list for each row: thousands of them would keep the garbage collector busy.
        cells = ",".join(texts).split(",")
        if self.shape.notes:
            cells = list(map(unshield, cells))
        columns = [cells[place :: self.shape.width] for place in self.shape.order]
        copied: list[list[str]] = []
        wrong: dict[int, tuple[FieldError, ...]] = {}
        for place, column in enumerate(columns):
            good, failing = self._column(place, column)
            copied.append(good)
            for row, errors in failing:
                wrong[row] = wrong[row] + errors if row in wrong else errors
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
                block.turn_away(Reject(numbers[row], raw, wrong[row]), shaped=True)

    def _column(self, place: int, column: list[str]) -> tuple[list[str], Failing]:
        """The cells of a column as COPY takes them, and what is wrong with those that are not."""
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
        verdict = judge_cell(self.table, self.table.names[place], cell)
        return verdict if isinstance(verdict, tuple) else self._fields[place].copy_text(verdict)

    def _take_cells(self, line: int, cells: list[str], block: Block) -> None:
        if len(cells) != self.shape.width:
            self._misshapen(line, cells, block)
            return
        if self.shape.notes:
            cells = [unshield(cell) for cell in cells]
        if not self.shape.straight:
            cells = [cells[place] for place in self.shape.order]
        encoded = [encode(cell) for encode, cell in zip(self._encoders, cells, strict=True)]
        if None in encoded:
            verdict = judge_cells(self.table, cells, encoded)
            if isinstance(verdict, tuple):
                raw = dict(zip(self.table.names, cells, strict=True))
                block.turn_away(Reject(line, raw, verdict), shaped=True)
                return
            encoded = [
                field.copy_text(value) if known is None else known
                for field, value, known in zip(self._fields, verdict, encoded, strict=True)
            ]
        position = [str(line)] if self.numbered else []
        block.stage("\t".join([*position, *encoded]) + "\n", 1)  # type: ignore[list-item]

    def _misshapen(self, line: int, cells: list[str], block: Block) -> None:
        expected = self.shape.width
        if self.shape.notes:
            cells, expected = self._without_notes(cells)
        found = len(cells)
        code = "too_few_fields" if found < expected else "too_many_fields"
        facts = {"found": found, "expected": expected}
        block.turn_away(Reject(line, cells, (FieldError(reasons.ROW, code, facts),)))

    def _without_notes(self, cells: list[str]) -> tuple[list[str], int]:
        """What was there before the notes were added, and how many cells there should be."""
        fields = len(self.table.names)
        if len(cells) > self.shape.width and max(self.shape.order) < fields:
            # As a file of corrections is made: the notes stand last, whatever stands before them.
            return [unshield(cell) for cell in cells[: fields - self.shape.width]], fields
        return [unshield(cell) for cell in cells], self.shape.width
