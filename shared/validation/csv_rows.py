"""Validates a CSV file row by row, in blocks of constant size."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from shared.errors import UnreadableFile
from shared.tables.table import Table
from shared.validation import csv_reader
from shared.validation.csv_reader import Record, Records
from shared.validation.csv_validator import CsvValidator
from shared.validation.header import Layout, could_be_data, layout
from shared.validation.limits import DEFAULT, Limits
from shared.validation.rows import Block

BLOCK_BYTES = 2 << 20


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
        UnreadableFile: the file is empty, its header does not match the table, or what may be its
            header is not UTF-8.
    """
    first = records.read()
    while first is not None and not first.cells:
        first = records.read()
    if first is None:
        raise UnreadableFile("empty", "The file is empty. Drop it again with rows in it.")
    shape = Layout(tuple(range(len(table.names))), len(table.names))
    if first.error is None:
        shape = layout(table, first.cells)
    elif first.error.code == "not_utf8" and not could_be_data(table, first.cells[0].split(",")):
        # It may be a header, and the rows are not to be taken by their positions then.
        raise _not_utf8(first.line)
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
    block = Block(columns=validator.columns)
    if first is not None:
        validator.add(first, block)
    while records.pending() is not None:
        validator.fill(records, block)
        if block.size > BLOCK_BYTES:
            yield block.in_order()
            block = Block(columns=validator.columns)
    if block.read:
        yield block.in_order()


def whole_file(
    table: Table, shape: Layout, blocks: Iterable[Block], limits: Limits = DEFAULT
) -> Iterator[Block]:
    """Pass on the blocks of a whole file.

    Raises:
        UnreadableFile: `too_many_rejects` beyond the `limits`; after the last block, if no row was
            UTF-8, or none had the table's number of columns.
    """
    read = shaped = rejected = undecodable = first = 0
    for block in blocks:
        read, shaped = read + block.read, shaped + block.shaped
        rejected += len(block.rejects)
        if not shaped:
            first = first or min((reject.position for reject in block.rejects), default=0)
            undecodable += sum(reject.reason == "not_utf8" for reject in block.rejects)
        if block.rejects:
            limits.check_rejects(read, rejected, block)
        yield block
    if read and undecodable == read:
        raise _not_utf8(first)
    if read and not shaped:
        raise UnreadableFile(
            "wrong_columns",
            f"None of the {read} rows has the {shape.width} columns of the table "
            f"({', '.join(table.names)}). Drop a file of this table, separated by commas.",
            rows=read,
            expected=shape.width,
        )


def _not_utf8(line: int) -> UnreadableFile:
    return UnreadableFile(
        "not_utf8",
        f"Line {line} is not UTF-8 text. Save the file as UTF-8 and drop it again.",
        line=line,
    )
