"""Runs COPY in and out over a SQLAlchemy connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from shared.lazy import sqlalchemy as sa


class Sink(Protocol):
    """What COPY writes to."""

    def write(self, data: bytes, /) -> object:
        """Write some bytes."""


# PostgreSQL reads a message whole before it looks at the first row in it: with small ones it works
# while the next is sent. Measured: 20% sooner than with messages of 2 MB.
_MESSAGE_BYTES = 64 << 10


def copy_in(connection: sa.Connection, statement: str, pieces: Iterable[bytes]) -> int:
    """Run `copy ... from stdin` with `pieces`, of any size, as its input.

    Returns:
        The number of copied rows.
    """
    return _run(connection, statement, _messages(pieces))


def _messages(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _MESSAGE_BYTES):
            yield piece[start : start + _MESSAGE_BYTES]


def copy_out(connection: sa.Connection, statement: str, sink: Sink) -> int:
    """Run `copy ... to stdout`, and write its output to `sink` as it arrives.

    Returns:
        The number of copied rows.
    """
    return _run(connection, statement, sink)


def _run(connection: sa.Connection, statement: str, stream: object) -> int:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, stream=stream)  # type: ignore[call-arg]
        return int(cursor.rowcount)
    except Exception as error:
        # If a COPY fails on our side, driver and server are out of step.
        if not _is_from_server(error):
            connection.invalidate()
        raise
    finally:
        cursor.close()


def _is_from_server(error: Exception) -> bool:
    return bool(error.args) and isinstance(error.args[0], dict) and "C" in error.args[0]
