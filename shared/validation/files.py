"""CSV files, row by row, in blocks of constant size."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from shared.errors import UnreadableFile
from shared.tables.table import Table
from shared.validation import csv_reader
from shared.validation.block import Block
from shared.validation.csv_rows import Judge
from shared.validation.header import Layout, layout
from shared.validation.records import Record, Records

BLOCK_CHARACTERS = 2 << 20
# Lines that are judged together: enough that a look at each column costs little.
_LINES = 2048


def blocks(
    table: Table,
    stream: BinaryIO,
    max_line_bytes: int,
    *,
    numbered: bool = True,
    max_unpacked_bytes: int = csv_reader.MAX_UNPACKED_BYTES,
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
    records = Records(csv_reader.read(stream, max_line_bytes, max_unpacked_bytes), max_line_bytes)
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
    judge = Judge(table, shape, numbered=numbered)
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


def _filled(judge: Judge, records: Records, block: Block) -> Iterator[Block]:
    while (ahead := records.ahead()) is not None:
        # A line that was cut short may look good up to the cut.
        matches = judge.matches([] if records.cut else ahead) or [None] * len(ahead)
        quoted = _quoted(ahead, matches, cut=records.cut)
        place = 0
        while place < len(ahead):
            end = min(_from(quoted, place), place + _LINES)
            if end > place:
                judge.take_lines(ahead[place:end], matches[place:end], records.line, block)
                records.skip(end - place)
            elif (record := records.read()) is not None and record.cells:
                judge.take(record, block)
            place = records.place(ahead)
            if block.size > BLOCK_CHARACTERS:
                yield block
                block = Block()
    yield block


def _quoted(lines: Sequence[str], matches: Sequence[object], *, cut: bool) -> list[int]:
    """The places of the lines that only `Records` can read; after them the end."""
    found = [
        place for place, line in enumerate(lines) if matches[place] is None and (cut or '"' in line)
    ]
    return [*found, len(lines)]


def _from(places: Sequence[int], start: int) -> int:
    """The first of the places that is not before `start`."""
    return places[bisect_left(places, start)]
