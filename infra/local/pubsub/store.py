"""Every change to the database, written by one thread in group commits."""

import asyncio
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from infra.local.pubsub.database import STATEMENTS
from infra.local.pubsub.errors import WriteError
from infra.local.pubsub.logs import log
from infra.local.pubsub.wire import Pb

Statement = tuple[str, list[tuple[Any, ...]]]

MAX_GROUP = 512
IDLE_SECONDS = 0.5
RETRY_SECONDS = 1.0
CHECKPOINT_BYTES = 8 * 1024 * 1024
PAGE_BYTES = 4096
VACUUM_PAGES = 2_048


class Store:
    """Stores topics, subscriptions, messages and deliveries.

    Methods that can be awaited return when the change is written; those whose name ends in
    `later` return at once, and a kill may undo their change.

    Raises:
        WriteError: from every method that can be awaited; nothing of the change was written.
    """

    def __init__(self, writer: "Writer") -> None:
        self._writer = writer

    async def save_topic(self, config: Pb) -> None:
        """Store a new or changed topic."""
        row = (config.name, config.SerializeToString())
        await self._writer.write((STATEMENTS["save_topic"], [row]))

    async def delete_topic(self, name: str, subscriptions: list[tuple[int, Pb]]) -> None:
        """Delete a topic, and store its subscriptions as they are without it."""
        await self._writer.write(
            (STATEMENTS["delete_topic"], [(name,)]),
            (STATEMENTS["save_subscription"], [_row(*each) for each in subscriptions]),
        )

    async def save_subscription(self, number: int, config: Pb) -> None:
        """Store a new or changed subscription."""
        await self._writer.write((STATEMENTS["save_subscription"], [_row(number, config)]))

    async def delete_subscription(self, number: int) -> None:
        """Delete a subscription with its deliveries; their messages are settled separately."""
        await self._writer.write(
            (STATEMENTS["delete_subscription"], [(number,)]),
            (STATEMENTS["delete_deliveries_of_subscription"], [(number,)]),
        )

    async def detach_subscription(self, number: int, config: Pb) -> None:
        """Store a detached subscription and delete its deliveries."""
        await self._writer.write(
            (STATEMENTS["save_subscription"], [_row(number, config)]),
            (STATEMENTS["delete_deliveries_of_subscription"], [(number,)]),
        )

    async def publish(
        self, messages: list[tuple[int, int, bytes]], subscriptions: list[int], *more: Statement
    ) -> None:
        """Store messages (number, published_ms, body) for subscriptions, synced to disk."""
        rows = [(number, published_ms, len(body), body) for number, published_ms, body in messages]
        deliveries = [(subscription, row[0]) for subscription in subscriptions for row in rows]
        await self._writer.write(
            (STATEMENTS["insert_message"], rows),
            (STATEMENTS["insert_delivery"], deliveries),
            *more,
        )

    async def settle(self, subscription: int, settled: list[int], unreferenced: list[int]) -> None:
        """Delete settled deliveries, and messages that no subscription needs any more."""
        await self._writer.write(*settlement(subscription, settled, unreferenced), synced=False)

    def settle_later(self, subscription: int, settled: list[int], unreferenced: list[int]) -> None:
        """Do the same as `settle` without waiting for it."""
        self._writer.write_later(*settlement(subscription, settled, unreferenced))

    def record_failure_later(
        self, subscription: int, message: int, failures: int, not_before_ms: int
    ) -> None:
        """Store how often a delivery has failed and when it may be retried."""
        row = (failures, not_before_ms, subscription, message)
        self._writer.write_later((STATEMENTS["record_failure"], [row]))


def _row(number: int, config: Pb) -> tuple[int, str, bytes]:
    return number, config.name, config.SerializeToString()


def settlement(subscription: int, settled: list[int], unreferenced: list[int]) -> list[Statement]:
    """The statements that delete settled deliveries and messages no subscription needs."""
    return [
        (STATEMENTS["delete_delivery"], [(subscription, number) for number in settled]),
        (STATEMENTS["delete_message"], [(number,) for number in unreferenced]),
    ]


@dataclass
class Change:
    """Statements that are written in one transaction, and who waits for it, if anyone."""

    statements: list[Statement]
    synced: bool
    waiter: asyncio.Future[None] | None = None
    error: sqlite3.Error | None = field(default=None)


class Writer:
    """Writes changes in order on a thread of its own.

    Changes that wait at the same time share a transaction (a group commit). `write` is for
    what a caller was promised. `write_later` is for what may be repeated after a crash
    (acknowledgements, failed deliveries); it is retried until it succeeds.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._changes: SimpleQueue[Change | None] = SimpleQueue()
        self._retries: list[Change] = []
        self._synced: bool | None = None
        self._wal_bytes = 0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def write(self, *statements: Statement, synced: bool = True) -> None:
        """Write statements in one transaction; return when they are on disk.

        If `synced` is false, they survive a kill of this process, but not a power failure.

        Raises:
            WriteError: none of them was written.
        """
        waiter = self._loop.create_future()
        self._changes.put(Change(list(statements), synced, waiter))
        await waiter

    def write_later(self, *statements: Statement) -> None:
        """Write statements soon, and retry until they are written."""
        self._changes.put(Change(list(statements), synced=False))

    async def close(self) -> None:
        """Write what is waiting and close the database."""
        self._changes.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        running = True
        while running:
            group, running = self._next_group()
            if group:
                self._commit(group)
            if self._wal_bytes and (not group or self._wal_bytes > CHECKPOINT_BYTES):
                self._checkpoint(idle=not group)
        self._connection.execute("pragma wal_checkpoint(truncate)")
        self._connection.close()

    def _next_group(self) -> tuple[list[Change], bool]:
        """The changes to commit next, and whether more may follow."""
        group, self._retries = self._retries, []
        try:
            change = self._changes.get(timeout=self._timeout_seconds(group))
            while change is not None:
                group.append(change)
                if len(group) >= MAX_GROUP:
                    return group, True
                change = self._changes.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _timeout_seconds(self, retries: list[Change]) -> float | None:
        if retries:
            return RETRY_SECONDS
        return IDLE_SECONDS if self._wal_bytes else None

    def _commit(self, group: list[Change]) -> None:
        try:
            self._transact(group)
        except sqlite3.Error:
            # One change that cannot be written must not fail the others.
            for change in group:
                self._commit_alone(change)
        waiting = [change for change in group if change.waiter is not None]
        if waiting:
            self._loop.call_soon_threadsafe(_wake, waiting)

    def _commit_alone(self, change: Change) -> None:
        try:
            self._transact([change])
        except sqlite3.Error as error:
            log("ERROR", "a change was not written", error=str(error))
            change.error = error
            if change.waiter is None:
                self._retries.append(change)

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
        self._wal_bytes += sum(map(_size_bytes, group))

    def _set_synced(self, synced: bool) -> None:
        if synced != self._synced:
            self._connection.execute(f"pragma synchronous = {'full' if synced else 'normal'}")
            self._synced = synced

    def _checkpoint(self, idle: bool) -> None:
        """Move the write-ahead log into the database; when idle, give free pages back too."""
        try:
            self._connection.execute("pragma wal_checkpoint(passive)").fetchall()
            self._wal_bytes = 1  # come back until an idle moment finds no free pages left
            free = self._connection.execute("pragma freelist_count").fetchone()[0]
            if idle and free > VACUUM_PAGES:
                # execute() would step this statement once only, and so free a single page.
                self._connection.executescript(f"pragma incremental_vacuum({VACUUM_PAGES})")
            elif idle:
                self._wal_bytes = 0
        except sqlite3.Error as error:
            log("WARNING", "the database was not checkpointed", error=str(error))
            time.sleep(RETRY_SECONDS)


def _size_bytes(change: Change) -> int:
    cells = (cell for _, rows in change.statements for row in rows for cell in row)
    return PAGE_BYTES + sum(len(cell) for cell in cells if isinstance(cell, bytes))


def _wake(changes: list[Change]) -> None:
    """Tell the callers of `write` how it ended."""
    for change in changes:
        if change.waiter is None or change.waiter.done():
            continue
        if change.error is None:
            change.waiter.set_result(None)
        else:
            change.waiter.set_exception(WriteError(str(change.error)))
