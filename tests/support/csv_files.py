"""CSV files as the gate judges them."""

import io
from collections.abc import Iterable

from shared.tables import Table
from shared.validation import csv_rows
from shared.validation.rows import Block

MAX = 1 << 20


class Trickle(io.BytesIO):
    """A stream that gives at most so many bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self.most = most

    def read(self, size: int | None = -1) -> bytes:
        """Some of the bytes."""
        return super().read(self.most if size is None or size < 0 else min(size, self.most))


def staged(table: Table, block: Block) -> list[tuple[str, ...]]:
    """The good rows of a block as COPY's cells, the position first, then the table's fields.

    In the order of the positions, if they are there; a block has another one.
    """
    order = [0, *(1 + block.columns.index(name) for name in table.names)]
    rows = [line.split("\t") for line in block.copied().decode().split("\n")[:-1]]
    numbered = [row if len(row) > len(table.names) else ["", *row] for row in rows]
    return sorted(
        (tuple(row[place] for place in order) for row in numbered), key=lambda row: int(row[0] or 0)
    )


def staged_lines(table: Table, blocks: Iterable[Block]) -> list[str]:
    """The same without the positions, as lines."""
    return ["\t".join(row[1:]) for block in blocks for row in staged(table, block)]


def validated(
    table: Table, content: bytes, max_line_bytes: int = MAX
) -> tuple[list[tuple[str, ...]], list[tuple[int, str, str]]]:
    """The good rows as staged cells, and of each rejected row its line, first field and reason."""
    good, rejects = [], []
    for block in csv_rows.blocks(table, io.BytesIO(content), max_line_bytes):
        rows = staged(table, block)
        assert block.read == len(rows) + len(block.rejects)
        good += rows
        rejects += [(r.position, r.errors[0].field, r.reason) for r in block.rejects]
    return good, rejects
