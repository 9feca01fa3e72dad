"""The SQLite file: locked by one process, created or opened, and read at the start."""

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from infra.local.pubsub.errors import DatabaseFileError

FORMAT = 1
BODY_CACHE_BYTES = 64 * 1024 * 1024

_SQL = Path(__file__).parent / "sql"


def _named_statements() -> dict[str, str]:
    sections = (_SQL / "statements.sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): body.strip() for name, _, body in (s.partition("\n") for s in sections)}


SCHEMA = (_SQL / "schema.sql").read_text(encoding="utf-8")
STATEMENTS = _named_statements()


@dataclass(frozen=True)
class StoredMessage:
    """A message that at least one subscription has yet to acknowledge, without its body."""

    number: int
    published_ms: int
    size_bytes: int


@dataclass(frozen=True)
class StoredDelivery:
    """One message that one subscription has yet to acknowledge."""

    subscription: int
    message: int
    failures: int
    not_before_ms: int


@dataclass(frozen=True)
class StoredState:
    """Everything in the database but the messages' bodies.

    Attributes:
        topics: their serialized configurations.
        subscriptions: their numbers and serialized configurations.
        messages: those not yet acknowledged by all subscriptions.
        deliveries: which message is still owed to which subscription.
        highest_message: the highest message number ever stored.
        highest_subscription: the highest subscription number ever used.
    """

    topics: list[bytes]
    subscriptions: list[tuple[int, bytes]]
    messages: list[StoredMessage]
    deliveries: list[StoredDelivery]
    highest_message: int
    highest_subscription: int


def lock(path: Path) -> int:
    """Lock the database for this process until it ends; return the lock's file descriptor.

    Raises:
        DatabaseFileError: another process has locked it, or its folder is not writable.
    """
    file = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DatabaseFileError(f"cannot use {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise DatabaseFileError(f"{path} is in use by another process (pid {holder})") from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def connect(path: Path) -> sqlite3.Connection:
    """Open the database, and create it if it does not exist.

    Raises:
        DatabaseFileError: the file is not a database of this server, or of a later version.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        _prepare(connection, path)
    except sqlite3.Error as error:
        raise DatabaseFileError(f"cannot use {path}: {error}") from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Must come before the first table is created; on an existing database it has no effect.
    connection.execute("pragma auto_vacuum = incremental")
    connection.execute("pragma journal_mode = wal")
    # The writer checkpoints between transactions, so that no publish waits for a checkpoint.
    connection.execute("pragma wal_autocheckpoint = 0")
    connection.execute("pragma journal_size_limit = 33554432")
    found = connection.execute("pragma user_version").fetchone()[0]
    if found not in (0, FORMAT):
        raise DatabaseFileError(f"{path} has format {found}, this server reads only {FORMAT}")
    if found == 0:
        stamp = f"pragma user_version = {FORMAT}"
        connection.executescript(f"begin immediate; {SCHEMA} {stamp}; commit;")


def load(connection: sqlite3.Connection) -> StoredState:
    """Read what earlier runs stored, and delete what belongs to no subscription."""
    connection.execute(STATEMENTS["delete_dangling_deliveries"])
    connection.execute(STATEMENTS["delete_unreferenced_messages"])

    def rows(name: str) -> sqlite3.Cursor:
        return connection.execute(STATEMENTS[name])

    highest = dict(rows("highest_numbers"))
    return StoredState(
        topics=[config for _, config in rows("all_topics")],
        subscriptions=[(number, config) for number, _, config in rows("all_subscriptions")],
        messages=[StoredMessage(*row) for row in rows("all_messages")],
        deliveries=[StoredDelivery(*row) for row in rows("all_deliveries")],
        highest_message=highest.get("messages", 0),
        highest_subscription=highest.get("subscriptions", 0),
    )


class MessageBodies:
    """Serialized messages by number: the newest are cached, the others are read when needed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._reading = threading.Lock()
        self._cached: OrderedDict[int, bytes] = OrderedDict()
        self._cached_bytes = 0

    def cache(self, number: int, body: bytes) -> None:
        """Cache a body that is stored already; drop the oldest ones over the limit."""
        self._cached[number] = body
        self._cached_bytes += len(body)
        while self._cached_bytes > BODY_CACHE_BYTES:
            _, dropped = self._cached.popitem(last=False)
            self._cached_bytes -= len(dropped)

    def drop(self, number: int) -> None:
        """Remove the body of a settled message from the cache."""
        body = self._cached.pop(number, None)
        if body is not None:
            self._cached_bytes -= len(body)

    async def read(self, number: int) -> bytes | None:
        """The body of a message, or None if the message has been deleted."""
        body = self._cached.get(number)
        if body is None:
            body = await asyncio.to_thread(self._read, number)
        return body

    def _read(self, number: int) -> bytes | None:
        with self._reading:
            row = self._connection.execute(STATEMENTS["read_body"], (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        """Close the connection."""
        with self._reading:
            self._connection.close()
