"""Everything that was sent; the checks derive from it what must be found afterwards."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from tests.chaos.lines import Line, Version

Mode = Literal["merge", "replace"]


@dataclass
class Sent:
    """Something that was sent, once or several times.

    Attributes:
        kind: how it was sent.
        identity: its source in the ledger; without the generation for a file, the load of a replay.
        table: the table of its rows; "" for a file that matches no table.
        lines: its rows.
        first: the position of the first row.
        tried_at: when it was first sent.
        answered_at: when an answer confirmed it; None if there was no answer.
        accepted_at: the time from which its rows count, if the sender sets it.
        repeats: whether the same bytes were sent before.
    """

    kind: Literal["file", "batch", "replay"]
    identity: str
    table: str
    lines: Sequence[Line]
    first: int = 0
    tried_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    answered_at: datetime | None = None
    accepted_at: datetime | None = None
    repeats: bool = False

    @property
    def good(self) -> dict[int, Line]:
        """The rows that must be accepted, by position."""
        return {self.first + n: line for n, line in enumerate(self.lines) if line.good}

    @property
    def bad(self) -> dict[int, Line]:
        """The rows that must be rejected, by position."""
        return {self.first + n: line for n, line in enumerate(self.lines) if not line.good}

    @property
    def newest(self) -> dict[int, tuple[int, Line]]:
        """The last row of each key, with its position."""
        return {line.key: (position, line) for position, line in self.good.items()}

    def answered(self) -> None:
        """Record that an answer confirmed it."""
        self.answered_at = datetime.now(UTC)

    def may_be_accepted_at(self, moment: datetime, clocks: Iterable[float]) -> bool:
        """Whether its rows may have a time as their `accepted_at`.

        Args:
            moment: the time.
            clocks: by how many seconds the functions' clock may have been wrong.
        """
        if self.accepted_at is not None:
            return moment == self.accepted_at
        slack = timedelta(milliseconds=50)
        begin, end = self.tried_at - slack, (self.answered_at or datetime.now(UTC)) + slack
        # A file counts from the time it was stored, by the bucket's clock.
        offsets = [timedelta(seconds=s) for s in ((0.0,) if self.kind == "file" else clocks)]
        return any(begin <= moment - offset <= end for offset in offsets)


@dataclass
class Model:
    """Everything that was sent to a platform since it was started.

    Attributes:
        sent: everything except restores.
        modes: the mode in which each backup was restored, by the id of the backup.
        copies: the id of the backup of which each object is a copy.
        backups: the backups that were confirmed by an answer, as (table, id).
        versions: all versions of rows that were ever sent, by table and key.
        problems: answers that must never be given.
        corrected: rejects that a schedule corrects; a second correction would not be stored.
        clocks: by how many seconds the functions' clock was wrong in the last round.
    """

    sent: list[Sent] = field(default_factory=list)
    modes: dict[str, Mode] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    backups: list[tuple[str, str]] = field(default_factory=list)
    versions: dict[tuple[str, int], set[Version]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    corrected: set[int] = field(default_factory=set)
    clocks: set[float] = field(default_factory=lambda: {0.0})
    _lock: Lock = field(default_factory=Lock)

    def reserve(self, reject_ids: Sequence[int]) -> set[int]:
        """Reserve rejects for the caller to correct; returns those that were still free."""
        with self._lock:
            free = set(reject_ids) - self.corrected
            self.corrected |= free
            return free

    def record(self, sent: Sent) -> Sent:
        """Record something that is about to be sent."""
        for line in sent.good.values():
            known = self.versions.setdefault((sent.table, line.key), set())
            known.add(line.version(sent.table))
        self.sent.append(sent)
        return sent


def batch_id(key: str) -> str:
    """The id of a batch that is sent with an idempotency key and the platform's own token."""
    return str(uuid5(NAMESPACE_URL, json.dumps(["tablegate", "local", key])))
