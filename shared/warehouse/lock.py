"""One sync at a time: a lock in PostgreSQL that its holder's end frees, however it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from shared.database import errors
from shared.errors import DatabaseBusy
from shared.lazy import sqlalchemy as sa

# Any two constants: what matters is that every sync takes the same lock.
_KEY = {"room": 0x73796E63, "lock": 1}
_WITHIN: WeakKeyDictionary[sa.Engine, Lock] = WeakKeyDictionary()
_MAKING = Lock()


class Held:
    """The lock, for as long as its connection lives."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def check(self) -> None:
        """Make sure that the lock is still held.

        Raises:
            DatabaseUnavailable: the connection is gone, and another sync may be running.
        """
        with errors.mapped():
            self._connection.execute(sa.text("select 1"))


@contextmanager
def taken(engine: sa.Engine, wait_seconds: float = 0) -> Iterator[Held | None]:
    """The lock until the end of the block, or None where another sync has it.

    Whoever waits stands in a queue: nobody who comes later, and does not wait, gets in before.

    Of a process one at a time comes to PostgreSQL: whoever waits there keeps a connection, and with
    all of a pool's kept by those who wait, its holder got none to work with.

    The lock belongs to a session of its own, outside any transaction: a sync takes as long as
    BigQuery does, and a transaction open that long would keep PostgreSQL from cleaning up.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    until = time.monotonic() + wait_seconds
    within = _within(engine)
    if not within.acquire(timeout=wait_seconds):
        yield None
        return
    try:
        with _taken(engine, max(0.0, until - time.monotonic())) as held:
            yield held
    finally:
        within.release()


@contextmanager
def _taken(engine: sa.Engine, wait_seconds: float) -> Iterator[Held | None]:
    with errors.mapped():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with errors.mapped():
            # The pool has asked whether the connection lives, and that has begun a transaction.
            connection.connection.rollback()
        if _take(connection, wait_seconds):
            try:
                yield Held(connection)
            finally:
                _free(connection)
        else:
            yield None
    finally:
        connection.close()


def _within(engine: sa.Engine) -> Lock:
    with _MAKING:
        return _WITHIN.setdefault(engine, Lock())


def _take(connection: sa.Connection, wait_seconds: float) -> bool:
    if not wait_seconds:
        return bool(_call(connection, "pg_try_advisory_lock"))
    with errors.mapped():
        # At least one: to PostgreSQL, 0 is without end.
        connection.exec_driver_sql(f"set lock_timeout = {max(1, round(wait_seconds * 1000))}")
    try:
        _call(connection, "pg_advisory_lock")
    except DatabaseBusy:
        return False
    finally:
        # One that was cut off takes its settings with it, and says its fault better than a reset.
        if not connection.invalidated:
            with errors.mapped():
                connection.exec_driver_sql("reset lock_timeout")
    return True


def _free(connection: sa.Connection) -> None:
    if connection.invalidated:
        # The session is gone, and its lock with it.
        return
    try:
        _call(connection, "pg_advisory_unlock")
    except Exception:
        # The pool must not hand on a session that might still have the lock.
        connection.invalidate()
        raise


def _call(connection: sa.Connection, function: str) -> Any:
    with errors.mapped():
        return connection.scalar(sa.text(f"select {function}(:room, :lock)"), _KEY)
