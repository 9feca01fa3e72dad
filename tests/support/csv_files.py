"""CSV files as the gate judges them."""

import io

from shared.tables import Table
from shared.validation import csv_rows

MAX = 1 << 20


class Trickle(io.BytesIO):
    """A stream that gives at most so many bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self.most = most

    def read(self, size: int | None = -1) -> bytes:
        """Some of the bytes."""
        return super().read(self.most if size is None or size < 0 else min(size, self.most))


def validated(
    table: Table, content: bytes, max_line_bytes: int = MAX
) -> tuple[list[tuple[str, ...]], list[tuple[int, str, str]]]:
    """The good rows as staged cells, and of each rejected row its line, first field and reason."""
    staged, rejects = [], []
    for block in csv_rows.blocks(table, io.BytesIO(content), max_line_bytes):
        rows = "".join(block.staged).split("\n")[:-1]
        assert block.read == len(rows) + len(block.rejects)
        staged += [tuple(row.split("\t")) for row in rows]
        rejects += [(r.position, r.errors[0].field, r.reason) for r in block.rejects]
    return staged, rejects
