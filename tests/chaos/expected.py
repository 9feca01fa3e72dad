"""What the tables must hold, computed from what was sent and in what order it was committed."""

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
    """A row of a table. If two loads sent it at the same time, it may name either of them."""

    version: Version
    accepted_at: datetime
    load_id: UUID = field(compare=False)


@dataclass(frozen=True)
class Loaded:
    """A committed load, and its row for each key."""

    table: str
    finished_at: datetime
    rows: Mapping[int, Stored]


@dataclass(frozen=True)
class Restored:
    """A committed restore."""

    table: str
    finished_at: datetime
    mode: Mode
    rows: Mapping[int, Stored]


@dataclass
class Expected:
    """What a table must hold.

    Attributes:
        rows: by key.
        ambiguous: keys whose row depends on something unknown: whether a waiting row was released
            before or after a restore.
    """

    rows: dict[int, Stored] = field(default_factory=dict)
    ambiguous: set[int] = field(default_factory=set)


def loaded(sent: Sent, entry: Mapping[str, Any], waiting: Iterable[int]) -> Loaded:
    """The rows of a load: the last good row of each key, except for those that wait.

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
    return Loaded(sent.table, entry["finished_at"], rows)


def of_backup(table: str, content: bytes) -> dict[int, Stored]:
    """The rows of a backup, read with fastavro instead of our own reader."""
    return {
        row["id"]: Stored(version(table, row), row["accepted_at"], UUID(str(row["load_id"])))
        for row in reader(BytesIO(content))
    }


def fold(
    table: str, events: Iterable[Loaded | Restored], waited: set[tuple[UUID, int]]
) -> Expected:
    """A table after all loads and restores.

    Args:
        table: its name.
        events: loads and restores.
        waited: rows that waited and were released, by load and key.
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
                # The load was finished later than its other rows were stored.
                found.ambiguous.add(key)
    return found


def _newer(old: Stored | None, row: Stored) -> Stored:
    if old is None:
        return row
    if old.version == row.version:
        if old.accepted_at >= row.accepted_at:
            return old
        return Stored(old.version, row.accepted_at, old.load_id)
    is_newer = (old.accepted_at, old.load_id) > (row.accepted_at, row.load_id)
    return old if is_newer else row


def _restore(rows: dict[int, Stored], event: Restored) -> None:
    if event.mode == "replace":
        rows.clear()
        rows.update(event.rows)
        return
    for key, row in event.rows.items():
        old = rows.get(key)
        if old is None or old.version != row.version:
            rows[key] = row


def columns(table: str) -> str:
    """The columns of a stored row, for a select."""
    return ", ".join((*FIELDS[table], "accepted_at", "load_id"))


def stored(table: str, row: Mapping[str, Any]) -> Stored:
    """A row of the database."""
    return Stored(version(table, dict(row)), row["accepted_at"], UUID(str(row["load_id"])))
