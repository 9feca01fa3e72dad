"""What was sent, and so what must be found afterwards."""

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
        kind: the way in.
        identity: its source in the ledger; of a file without the generation, of a replay its load.
        table: where its rows go; "" for a file that fits none.
        lines: its rows.
        first: the position of the first one.
        tried_at: when it was first sent.
        answered_at: when an answer said that it was taken; None where none did.
        accepted_at: from when its rows count, where the sender says so.
        repeats: whether its bytes were sent before.
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
        """The rows that the gate takes, by position."""
        return {self.first + n: line for n, line in enumerate(self.lines) if line.good}

    @property
    def bad(self) -> dict[int, Line]:
        """The rows that it turns away, by position."""
        return {self.first + n: line for n, line in enumerate(self.lines) if not line.good}

    @property
    def newest(self) -> dict[int, tuple[int, Line]]:
        """For each key the last of its rows, with its position."""
        return {line.key: (position, line) for position, line in self.good.items()}

    def answered(self) -> None:
        """An answer said that it was taken."""
        self.answered_at = datetime.now(UTC)

    def may_be_accepted_at(self, moment: datetime, clocks: Iterable[float]) -> bool:
        """Whether its rows may count from a moment.

        Args:
            moment: by some clock.
            clocks: by how many seconds the functions' clock was wrong, then or another time.
        """
        if self.accepted_at is not None:
            return moment == self.accepted_at
        slack = timedelta(milliseconds=50)
        begin, end = self.tried_at - slack, (self.answered_at or datetime.now(UTC)) + slack
        # A file counts from when the bucket has it, by the bucket's clock.
        offsets = [timedelta(seconds=s) for s in ((0.0,) if self.kind == "file" else clocks)]
        return any(begin <= moment - offset <= end for offset in offsets)


@dataclass
class Model:
    """What was sent to a platform since it was started.

    Attributes:
        sent: everything but restores.
        modes: of each backup by id, how it was asked to be restored.
        backups: the backups that an answer said were taken, as (table, id).
        versions: all values that were ever sent, by table and key.
        problems: what was answered that should never be.
        corrected: rejects that somebody corrects; two who corrected one would be answered once.
        clocks: by how many seconds the functions' clock was wrong in the last round.
    """

    sent: list[Sent] = field(default_factory=list)
    modes: dict[str, Mode] = field(default_factory=dict)
    backups: list[tuple[str, str]] = field(default_factory=list)
    versions: dict[tuple[str, int], set[Version]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    corrected: set[int] = field(default_factory=set)
    clocks: set[float] = field(default_factory=lambda: {0.0})
    _choosing: Lock = field(default_factory=Lock)

    def choose(self, reject_ids: Sequence[int]) -> set[int]:
        """Those of some rejects that nobody else corrects; from now on the caller does."""
        with self._choosing:
            chosen = set(reject_ids) - self.corrected
            self.corrected |= chosen
            return chosen

    def enter(self, sent: Sent) -> Sent:
        """Something is about to be sent."""
        for line in sent.good.values():
            known = self.versions.setdefault((sent.table, line.key), set())
            known.add(line.version(sent.table))
        self.sent.append(sent)
        return sent


def batch_id(key: str) -> str:
    """The id that a batch has by its key, sent with the token of the platform itself."""
    return str(uuid5(NAMESPACE_URL, json.dumps(["tablegate", "local", key])))
