"""What the tables must hold, told from what was sent and in what order it was committed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from fastavro import reader

from tests.chaos.lines import FIELDS, Version, version
from tests.chaos.model import Mode, Sent


@dataclass(frozen=True)
class Stored:
    """A row as a table holds it; of loads with the same rows and moment either may be named."""

    version: Version
    accepted_at: datetime
    load_id: UUID = field(compare=False)


@dataclass(frozen=True)
class Brought:
    """A load as it was committed, and what it brought under each key."""

    table: str
    finished_at: datetime
    rows: Mapping[int, Stored]


@dataclass(frozen=True)
class Restored:
    """A restore as it was committed."""

    table: str
    finished_at: datetime
    mode: Mode
    rows: Mapping[int, Stored]


@dataclass
class Expected:
    """What a table must hold.

    Attributes:
        rows: by key.
        open: keys whose row depends on what cannot be told: when a row was let go that waited,
            before a restore or after it.
    """

    rows: dict[int, Stored] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)


def loaded(sent: Sent, entry: Mapping[str, Any], waiting: Iterable[int]) -> Brought:
    """What a load brings: the last good row of each key, but for those that wait.

    Args:
        sent: what was sent.
        entry: its load.
        waiting: keys of its rows that wait.
    """
    held = set(waiting)
    rows = {
        key: Stored(line.version(sent.table), entry["accepted_at"], entry["load_id"])
        for key, (_, line) in sent.newest.items()
        if key not in held
    }
    return Brought(sent.table, entry["finished_at"], rows)


def of_backup(table: str, content: bytes) -> dict[int, Stored]:
    """The rows of a backup, read by a library that is not ours."""
    return {
        row["id"]: Stored(version(table, row), row["accepted_at"], UUID(str(row["load_id"])))
        for row in reader(BytesIO(content))
    }


def fold(
    table: str, events: Iterable[Brought | Restored], waited: set[tuple[UUID, int]]
) -> Expected:
    """A table after all that was committed.

    Args:
        table: its name.
        events: loads and restores.
        waited: rows that waited and were let go, by load and key.
    """
    found = Expected()
    ordered = sorted((e for e in events if e.table == table), key=lambda e: e.finished_at)
    restores = any(isinstance(event, Restored) for event in ordered)
    late = {load_id for load_id, _ in waited}
    for event in ordered:
        if isinstance(event, Restored):
            _restore(found.rows, event)
            continue
        for key, row in event.rows.items():
            found.rows[key] = _newer(found.rows.get(key), row)
            if restores and row.load_id in late:
                # When its other rows were stored is no longer told by when it was finished.
                found.open.add(key)
    return found


def _newer(there: Stored | None, row: Stored) -> Stored:
    if there is None:
        return row
    if there.version == row.version:
        if there.accepted_at >= row.accepted_at:
            return there
        return Stored(there.version, row.accepted_at, there.load_id)
    is_newer = (there.accepted_at, there.load_id) > (row.accepted_at, row.load_id)
    return there if is_newer else row


def _restore(rows: dict[int, Stored], event: Restored) -> None:
    if event.mode == "replace":
        rows.clear()
        rows.update(event.rows)
        return
    for key, row in event.rows.items():
        there = rows.get(key)
        if there is None or there.version != row.version:
            rows[key] = row


def columns(table: str) -> str:
    """The columns of a stored row, for a select."""
    return ", ".join((*FIELDS[table], "accepted_at", "load_id"))


def stored(table: str, row: Mapping[str, Any]) -> Stored:
    """A row of the database."""
    return Stored(version(table, dict(row)), row["accepted_at"], UUID(str(row["load_id"])))
