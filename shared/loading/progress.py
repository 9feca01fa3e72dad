"""Records how far the load of a large file has come, for those who wait for it.

It is written on a connection of its own, because nobody sees what a load writes before its commit.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from shared import logs
from shared.database.engine import transaction
from shared.database.sql import statement
from shared.errors import TransientError
from shared.lazy import sqlalchemy as sa
from shared.validation.rows import Block

# A smaller file is loaded before anybody could look.
SHOWN_FROM_BYTES = 4 << 20
_EVERY_SECONDS = 1.0
_SQL = Path(__file__).with_name("sql")


class Progress:
    """How far the load of one file has come.

    Args:
        engine: the database.
        load_id: the load.
        size_bytes: the size of the file, as it is stored.
    """

    def __init__(self, engine: sa.Engine, load_id: UUID, size_bytes: int) -> None:
        self._engine, self._load_id, self._size_bytes = engine, str(load_id), size_bytes
        self._is_shown = size_bytes >= SHOWN_FROM_BYTES
        self._next = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Forget it at the end, whatever that is."""
        try:
            yield
        finally:
            if self._is_shown:
                self._write("forget_progress", {})

    def of(self, blocks: Iterable[Block], stream: BinaryIO) -> Iterator[Block]:
        """Pass on the blocks of a file that is being read, and record them."""
        rows = 0
        for block in blocks:
            rows += block.read
            if self._is_shown and time.monotonic() >= self._next:
                self._record(rows, stream.tell())
            yield block

    def _record(self, rows: int, read_bytes: int) -> None:
        self._write(
            "progress",
            {"rows_read": rows, "bytes_read": read_bytes, "size_bytes": self._size_bytes},
        )
        self._next = time.monotonic() + _EVERY_SECONDS

    def _write(self, name: str, values: dict[str, int]) -> None:
        try:
            with transaction(self._engine) as connection:
                connection.execute(_text(name), {"load_id": self._load_id, **values})
        except TransientError as error:
            # A load must not fail because nobody can see how far it is.
            logs.line("WARNING", "The progress of a load is not recorded", error=str(error))


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(_SQL, name))
