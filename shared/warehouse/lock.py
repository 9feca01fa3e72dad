"""The lock that lets one sync run at a time. PostgreSQL frees it however its holder ends."""

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

# Any two constants, but the same ones for every sync.
_KEY = {"room": 0x73796E63, "lock": 1}
_TRY = "select pg_try_advisory_lock(:room, :lock)"
_WAIT = "select pg_advisory_lock(:room, :lock)"
_UNLOCK = "select pg_advisory_unlock(:room, :lock)"

_LOCKS: WeakKeyDictionary[sa.Engine, Lock] = WeakKeyDictionary()
_GUARD = Lock()


class Held:
    """The lock, held for as long as its connection lives."""

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
def hold(engine: sa.Engine, wait_seconds: float = 0) -> Iterator[Held | None]:
    """Hold the lock until the end of the block; None if another sync holds it.

    Callers that wait are queued: a later caller that does not wait cannot overtake them.

    Only one thread of a process waits in PostgreSQL. Each waiting thread uses a connection, and if
    all connections of a pool waited, the holder would have none to work with.

    The lock belongs to a session, not to a transaction: a sync takes as long as BigQuery does, and
    a transaction that is open for so long would keep PostgreSQL from vacuuming.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    until = time.monotonic() + wait_seconds
    in_process = _lock_of(engine)
    if not in_process.acquire(timeout=wait_seconds):
        yield None
        return
    try:
        with _hold(engine, max(0.0, until - time.monotonic())) as held:
            yield held
    finally:
        in_process.release()


@contextmanager
def _hold(engine: sa.Engine, wait_seconds: float) -> Iterator[Held | None]:
    with errors.mapped():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with errors.mapped():
            # The pool's check of the connection has begun a transaction.
            connection.connection.rollback()
        if _lock(connection, wait_seconds):
            try:
                yield Held(connection)
            finally:
                _unlock(connection)
        else:
            yield None
    finally:
        connection.close()


def _lock_of(engine: sa.Engine) -> Lock:
    with _GUARD:
        return _LOCKS.setdefault(engine, Lock())


def _lock(connection: sa.Connection, wait_seconds: float) -> bool:
    if not wait_seconds:
        return bool(_ask(connection, _TRY))
    with errors.mapped():
        # At least 1 ms: to PostgreSQL, 0 means no limit.
        connection.exec_driver_sql(f"set lock_timeout = {max(1, round(wait_seconds * 1000))}")
    try:
        _ask(connection, _WAIT)
    except DatabaseBusy:
        return False
    finally:
        # A broken connection has lost its settings, and resetting them would hide its error.
        if not connection.invalidated:
            with errors.mapped():
                connection.exec_driver_sql("reset lock_timeout")
    return True


def _unlock(connection: sa.Connection) -> None:
    if connection.invalidated:
        # The session is gone, and the lock with it.
        return
    try:
        _ask(connection, _UNLOCK)
    except Exception:
        # The pool must not hand out a session that may still hold the lock.
        connection.invalidate()
        raise


def _ask(connection: sa.Connection, statement: str) -> Any:
    with errors.mapped():
        return connection.scalar(sa.text(statement), _KEY)
