"""Bulk COPY, in and out, over a SQLAlchemy connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from shared.lazy import sqlalchemy as sa


class Sink(Protocol):
    """What COPY writes to."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""


def copy_in(connection: sa.Connection, statement: str, pieces: Iterable[bytes]) -> int:
    """Run `copy ... from stdin` with `pieces` as its input, the larger each the faster.

    Returns:
        How many rows were copied.
    """
    return _run(connection, statement, pieces)


def copy_out(connection: sa.Connection, statement: str, sink: Sink) -> int:
    """Run `copy ... to stdout`, writing to `sink` as rows come.

    Returns:
        How many rows were copied.
    """
    return _run(connection, statement, sink)


def _run(connection: sa.Connection, statement: str, stream: object) -> int:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, stream=stream)  # type: ignore[call-arg]
        return int(cursor.rowcount)
    except Exception as error:
        # An error of ours in the middle of a COPY leaves driver and server out of step.
        if not _answered(error):
            connection.invalidate()
        raise
    finally:
        cursor.close()


def _answered(error: Exception) -> bool:
    return bool(error.args) and isinstance(error.args[0], dict) and "C" in error.args[0]
