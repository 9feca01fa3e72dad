"""The data file: held by one process, opened or made, and read at start."""

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from infra.local.pubsub.statements import SCHEMA, STATEMENTS

FORMAT = 1


class DataFileFault(Exception):
    """The data file cannot be used; the text says why, in one line."""


@dataclass(frozen=True)
class SavedMessage:
    """A message that at least one subscription has yet to acknowledge."""

    number: int
    published_ms: int
    size_bytes: int


@dataclass(frozen=True)
class SavedDelivery:
    """What is owed of one message to one subscription."""

    subscription: int
    message: int
    failures: int
    not_before_ms: int


@dataclass(frozen=True)
class Saved:
    """Everything that an earlier run left in the data file, without the messages' bodies."""

    topics: list[bytes]
    subscriptions: list[tuple[int, bytes]]
    messages: list[SavedMessage]
    deliveries: list[SavedDelivery]
    highest_message: int
    highest_subscription: int


def hold(path: Path) -> int:
    """Take the data file for this process until it ends; return the descriptor that holds it.

    Raises:
        DataFileFault: another process has it, or its folder cannot be written.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataFileFault(f"cannot use {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise DataFileFault(f"{path} is in use by another process (pid {holder})") from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def connect(path: Path) -> sqlite3.Connection:
    """Open the data file, making it if need be.

    Raises:
        DataFileFault: it is no data file of this server, or of a later version.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        _prepare(connection, path)
    except sqlite3.Error as error:
        raise DataFileFault(f"cannot use {path}: {error}") from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Only honoured before the first table is made; afterwards it says nothing and does nothing.
    connection.execute("pragma auto_vacuum = incremental")
    connection.execute("pragma journal_mode = wal")
    # The journal checkpoints between commits, so that no publish waits for it.
    connection.execute("pragma wal_autocheckpoint = 0")
    connection.execute("pragma journal_size_limit = 33554432")
    found = connection.execute("pragma user_version").fetchone()[0]
    if found not in (0, FORMAT):
        raise DataFileFault(f"{path} has format {found}, this server knows {FORMAT}")
    if found == 0:
        stamp = f"pragma user_version = {FORMAT}"
        connection.executescript(f"begin immediate; {SCHEMA} {stamp}; commit;")


def read(connection: sqlite3.Connection) -> Saved:
    """Read what an earlier run left behind."""
    connection.execute(STATEMENTS["delete_ownerless"])
    connection.execute(STATEMENTS["delete_orphans"])

    def rows(name: str) -> sqlite3.Cursor:
        return connection.execute(STATEMENTS[name])

    highest = dict(rows("highest_numbers"))
    return Saved(
        topics=[config for _, config in rows("all_topics")],
        subscriptions=[(number, config) for number, _, config in rows("all_subscriptions")],
        messages=[SavedMessage(*row) for row in rows("all_messages")],
        deliveries=[SavedDelivery(*row) for row in rows("all_deliveries")],
        highest_message=highest.get("messages", 0),
        highest_subscription=highest.get("subscriptions", 0),
    )
