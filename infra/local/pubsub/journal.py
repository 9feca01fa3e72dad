"""The one writer of the data file: changes that wait together share a transaction."""

import asyncio
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from infra.local.pubsub.logs import log

Statement = tuple[str, list[tuple[Any, ...]]]

MAX_GROUP = 512
IDLE_SECONDS = 0.5
RETRY_SECONDS = 1.0
CHECKPOINT_BYTES = 8 * 1024 * 1024
PAGE_BYTES = 4096
VACUUM_PAGES = 2_048


class JournalFault(Exception):
    """A change could not be written to the data file."""


@dataclass
class Change:
    """Statements that are written together, and who waits for them, if anybody."""

    statements: list[Statement]
    synced: bool
    waiter: asyncio.Future[None] | None = None
    error: sqlite3.Error | None = field(default=None)


class Journal:
    """Writes changes in order on a thread of its own.

    `write` is for what a caller was promised; `note` for what may be told again after a
    crash (acknowledgements, failed deliveries) and is retried until it is written.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._changes: SimpleQueue[Change | None] = SimpleQueue()
        self._carried: list[Change] = []
        self._synced: bool | None = None
        self._logged_bytes = 0
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    async def write(self, *statements: Statement, synced: bool = True) -> None:
        """Write statements in one transaction; return when they are on disk.

        With `synced` false they survive the end of this process, not that of the machine.

        Raises:
            JournalFault: they were not written, none of them.
        """
        waiter = self._loop.create_future()
        self._changes.put(Change(list(statements), synced, waiter))
        await waiter

    def note(self, *statements: Statement) -> None:
        """Write statements soon, whatever it takes."""
        self._changes.put(Change(list(statements), synced=False))

    async def close(self) -> None:
        """Write what waits and close the data file."""
        self._changes.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            if group:
                self._commit(group)
            if self._logged_bytes and (not group or self._logged_bytes > CHECKPOINT_BYTES):
                self._tidy(idle=not group)
        self._connection.execute("pragma wal_checkpoint(truncate)")
        self._connection.close()

    def _next_group(self) -> tuple[list[Change], bool]:
        group, self._carried = self._carried, []
        try:
            change = self._changes.get(timeout=self._patience(group))
            while change is not None:
                group.append(change)
                if len(group) >= MAX_GROUP:
                    return group, True
                change = self._changes.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _patience(self, carried: list[Change]) -> float | None:
        if carried:
            return RETRY_SECONDS
        return IDLE_SECONDS if self._logged_bytes else None

    def _commit(self, group: list[Change]) -> None:
        try:
            self._transact(group)
        except sqlite3.Error:
            # One change that cannot be written must not take the others with it.
            for change in group:
                self._commit_alone(change)
        waiting = [change for change in group if change.waiter is not None]
        if waiting:
            self._loop.call_soon_threadsafe(_answer, waiting)

    def _commit_alone(self, change: Change) -> None:
        try:
            self._transact([change])
        except sqlite3.Error as error:
            log("ERROR", "a change was not written", error=str(error))
            change.error = error
            if change.waiter is None:
                self._carried.append(change)

    def _transact(self, group: list[Change]) -> None:
        connection = self._connection
        self._set_synced(any(change.synced for change in group))
        try:
            connection.execute("begin immediate")
            for change in group:
                for sql, rows in change.statements:
                    connection.executemany(sql, rows)
            connection.execute("commit")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("rollback")
            raise
        self._logged_bytes += sum(map(_size_bytes, group))

    def _set_synced(self, synced: bool) -> None:
        if synced != self._synced:
            self._connection.execute(f"pragma synchronous = {'full' if synced else 'normal'}")
            self._synced = synced

    def _tidy(self, idle: bool) -> None:
        """Move the log into the file and, when nobody waits, give free pages back."""
        try:
            self._connection.execute("pragma wal_checkpoint(passive)").fetchall()
            self._logged_bytes = 1  # until an idle moment finds nothing left to give back
            free = self._connection.execute("pragma freelist_count").fetchone()[0]
            if idle and free > VACUUM_PAGES:
                # execute() would step this statement once only, and so free a single page.
                self._connection.executescript(f"pragma incremental_vacuum({VACUUM_PAGES})")
            elif idle:
                self._logged_bytes = 0
        except sqlite3.Error as error:
            log("WARNING", "the data file was not tidied", error=str(error))
            time.sleep(RETRY_SECONDS)


def _size_bytes(change: Change) -> int:
    cells = (cell for _, rows in change.statements for row in rows for cell in row)
    return PAGE_BYTES + sum(len(cell) for cell in cells if isinstance(cell, bytes))


def _answer(changes: list[Change]) -> None:
    for change in changes:
        if change.waiter is None or change.waiter.done():
            continue
        if change.error is None:
            change.waiter.set_result(None)
        else:
            change.waiter.set_exception(JournalFault(str(change.error)))
