"""CSV files, row by row, in blocks of constant size."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from shared.faults import UnreadableFile
from shared.tables.table import Table
from shared.validation import lines, plain, reasons
from shared.validation.formulas import unshield
from shared.validation.header import Layout, layout
from shared.validation.records import Record, Records, without_end
from shared.validation.rows import Rows
from shared.validation.rules import FieldError, Reject, judge_cells

BLOCK_CHARACTERS = 4 << 20


@dataclass
class Block:
    """Some rows of a load, judged.

    Attributes:
        staged: the good rows as COPY text, in pieces; mostly with the position before the fields.
        rows: the good rows instead, where they are in memory anyway.
        rejects: the rows that were turned away.
        read: how many rows there were.
        shaped: how many had the right number of columns.
    """

    staged: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    shaped: int = 0
    size: int = 0
    rows: Rows | None = None

    def copied(self) -> bytes:
        """The good rows as COPY text."""
        return ("".join(self.staged) if self.rows is None else self.rows.numbered()).encode()

    def stage(self, text: str, rows: int) -> None:
        """Add good rows, as whole lines of COPY text."""
        self.staged.append(text)
        self.read += rows
        self.shaped += rows
        self.size += len(text)


def blocks(
    table: Table,
    stream: BinaryIO,
    max_line_bytes: int,
    *,
    numbered: bool = True,
    max_unpacked_bytes: int = lines.MAX_UNPACKED_BYTES,
) -> Iterator[Block]:
    """Judge a CSV file of `table`; memory does not grow with the file.

    Args:
        table: whose file it is.
        stream: the file's bytes.
        max_line_bytes: a longer line is turned away.
        numbered: whether each staged row has its line in the file before its fields.
        max_unpacked_bytes: what a gzip file may unpack to.

    Raises:
        UnreadableFile: the file as a whole is no CSV of this table; may come after any block.
    """
    records = Records(lines.read(stream, max_line_bytes, max_unpacked_bytes), max_line_bytes)
    shape, first = opening(table, records)
    yield from whole(table, shape, judged(table, shape, records, first, numbered=numbered))


def opening(table: Table, records: Records) -> tuple[Layout, Record | None]:
    """What a file begins with: where its columns are, and its first row where that is no header.

    Raises:
        UnreadableFile: there is no row, or the header is not the table's.
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


def judged(
    table: Table,
    shape: Layout,
    records: Records,
    first: Record | None = None,
    *,
    numbered: bool = True,
) -> Iterator[Block]:
    """Judge rows of a file, those of `records` after the `first`, in blocks of constant size."""
    judge = _Judge(table, shape, numbered=numbered)
    begun = Block()
    if first is not None:
        judge.take(first, begun)
    for block in _filled(judge, records, begun):
        if block.read:
            yield block


def whole(table: Table, shape: Layout, blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks of a whole file.

    Raises:
        UnreadableFile: at their end, where not one row had the table's columns.
    """
    read = shaped = 0
    for block in blocks:
        read, shaped = read + block.read, shaped + block.shaped
        yield block
    if read and not shaped:
        raise UnreadableFile(
            "wrong_columns",
            f"None of the {read} rows has the {shape.width} columns of the table "
            f"({', '.join(table.names)}). Drop a file of this table, separated by commas.",
            rows=read,
            expected=shape.width,
        )


def _filled(judge: "_Judge", records: Records, block: Block) -> Iterator[Block]:
    while (ahead := records.ahead()) is not None:
        # A line that was cut short may look good up to the cut.
        matches = judge.matches([] if records.cut else ahead) or [None] * len(ahead)
        place = 0
        while place < len(ahead):
            suspect = _next_suspect(matches, place)
            if suspect > place:
                judge.take_plain(ahead, matches, place, suspect, records.line, block)
                records.skip(suspect - place)
            elif not records.cut and '"' not in ahead[place]:
                # As `records` would read it, without a record made of it: most of what is bad.
                judge.take_line(records.line, ahead[place], block)
                records.skip(1)
            elif (record := records.read()) is not None and record.cells:
                judge.take(record, block)
            place = records.place(ahead)
            if block.size > BLOCK_CHARACTERS:
                yield block
                block = Block()
    yield block


def _next_suspect(matches: Sequence[object], start: int) -> int:
    try:
        return matches.index(None, start)
    except ValueError:
        return len(matches)


class _Judge:
    """Judges records of one file."""

    def __init__(self, table: Table, shape: Layout, *, numbered: bool) -> None:
        self.table, self.shape, self.numbered = table, shape, numbered
        self.encoders = plain.encoders(table)
        self.plain = None
        if not shape.notes:
            self.plain = plain.PlainLines(table, shape.order, numbered=numbered)

    def matches(self, ahead: list[str]) -> list[object]:
        """For each line what it matched as plainly good, or None."""
        return [None] * len(ahead) if self.plain is None else list(map(self.plain.match, ahead))

    def take_plain(
        self,
        ahead: list[str],
        matches: list[object],
        start: int,
        end: int,
        number: int,
        block: Block,
    ) -> None:
        """Stage lines that are plainly good."""
        if self.plain is not None:
            block.stage(
                self.plain.copied(ahead[start:end], matches[start:end], number), end - start
            )

    def take(self, record: Record, block: Block) -> None:
        """Judge one record into `block`."""
        if record.error is not None:
            self._reject(block, record.line, record.cells[0], (record.error,))
        else:
            self._take_cells(record.line, record.cells, block)

    def take_line(self, line: int, text: str, block: Block) -> None:
        """Judge a line without quotation marks; a blank one is no row."""
        if text := without_end(text):
            self._take_cells(line, text.split(","), block)

    def _take_cells(self, line: int, cells: list[str], block: Block) -> None:
        if len(cells) != self.shape.width:
            self._misshapen(line, cells, block)
            return
        if self.shape.notes:
            cells = [unshield(cell) for cell in cells]
        if not self.shape.straight:
            cells = [cells[place] for place in self.shape.order]
        encoded = [encode(cell) for encode, cell in zip(self.encoders, cells, strict=True)]
        if None in encoded:
            verdict = judge_cells(self.table, cells, encoded)
            if isinstance(verdict, tuple):
                block.shaped += 1
                raw = dict(zip(self.table.names, cells, strict=True))
                self._reject(block, line, raw, verdict)
                return
            encoded = [
                plain.copied(value) if known is None else known
                for value, known in zip(verdict, encoded, strict=True)
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
        self._reject(block, line, cells, (FieldError(reasons.ROW, code, facts),))

    def _without_notes(self, cells: list[str]) -> tuple[list[str], int]:
        """What was there before the notes were added, and how many cells there should be."""
        fields = len(self.table.names)
        if len(cells) > self.shape.width and max(self.shape.order) < fields:
            # As a file of corrections is made: the notes stand last, whatever stands before them.
            return [unshield(cell) for cell in cells[: fields - self.shape.width]], fields
        return [unshield(cell) for cell in cells], self.shape.width

    @staticmethod
    def _reject(block: Block, line: int, raw: Any, errors: tuple[FieldError, ...]) -> None:
        block.rejects.append(Reject(line, raw, errors))
        block.read += 1
        block.size += _size(raw)


def _size(raw: Any) -> int:
    """About what Python needs for a reject, empty cells too, so that blocks of them stay small."""
    cells = raw.values() if type(raw) is dict else raw
    return 200 + 60 * len(cells) + len("".join(cells))
