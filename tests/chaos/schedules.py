"""Makes a schedule from a seed: the work, the faults, and when each happens."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.chaos import lines
from tests.chaos.lines import FIELDS, Line

SECONDS = 3.0
# By how many seconds clocks are wrong.
OFFSETS = (-86400.0, -2.0, 2.0, 86400.0)
TABLES = tuple(FIELDS)
FUNCTIONS = (
    *("ingest_csv", "insert_rows", "store_rows", "sync_warehouse"),
    *("backup_table", "restore_table", "rejected_rows"),
)
DEPENDENCIES = ("postgres", "pubsub", "storage", "bigquery")
STAND_INS = ("postgres", "pubsub", "storage", "bigquery", "gateway", "eventarc", "timer")


@dataclass(frozen=True)
class Drop:
    """A file is dropped; with `again`, the same bytes are dropped under that name too."""

    at: float
    name: str
    table: str
    lines: Sequence[Line]
    header: bool
    again: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A file that matches no table is dropped."""

    at: float
    name: str


@dataclass(frozen=True)
class Batch:
    """A batch is sent once for each of `answers`; the key "" means without a key."""

    at: float
    key: str
    table: str
    lines: Sequence[Line]
    answers: Sequence[Literal["read", "lost"]] = ("read",)


@dataclass(frozen=True)
class SkewedBatch:
    """A batch is sent by a machine whose clock is wrong by some seconds."""

    at: float
    table: str
    lines: Sequence[Line]
    seconds: float


@dataclass(frozen=True)
class Replay:
    """Rejects of the schedule's loads are corrected and sent again."""

    at: float
    word: str


@dataclass(frozen=True)
class BackUp:
    """A table is backed up, verified, and restored a little later if a mode says so."""

    at: float
    table: str
    restore: Literal["", "merge", "replace"]
    pause: float


@dataclass(frozen=True)
class Call:
    """A call that may be made at any time."""

    at: float
    what: Literal["sync", "sweep", "reconcile", "metrics", "freshness"]


@dataclass(frozen=True)
class Fault:
    """A fault to inject.

    Attributes:
        at: when, in seconds from the start.
        kind: what goes wrong.
        part: the part of the platform that it hits; "" for the whole machine.
        seconds: how long it lasts, if it does not end by itself.
        offset: by how many seconds the clock is set wrong.
    """

    at: float
    kind: Literal[
        *("kill", "kill worker", "kill backend", "freeze"),
        *("cut connections", "disk full", "clock step"),
        *("stall", "commits unanswered", "answers lost"),
    ]
    part: str
    seconds: float = 0.0
    offset: float = 0.0


Step = Drop | Unreadable | Batch | SkewedBatch | Replay | BackUp | Call


@dataclass(frozen=True)
class Schedule:
    """The work and the faults of one seed.

    Attributes:
        seed: the seed.
        base: the first of its thousand keys.
        steps: the work.
        faults: the faults injected meanwhile.
    """

    seed: int
    base: int
    steps: Sequence[Step]
    faults: Sequence[Fault]


@dataclass
class _Maker:
    rng: random.Random
    base: int
    numbers: list[int] = field(default_factory=list)

    def at(self) -> float:
        return self.rng.uniform(0.1, SECONDS)

    def word(self) -> str:
        self.numbers.append(0)
        return f"c{self.base}-{len(self.numbers)}"

    def rows(self, first: int = 0) -> tuple[str, list[Line], str]:
        table = self.rng.choices(TABLES, (1, 1, 3))[0]
        word = self.word()
        return table, lines.random_lines(self.rng, table, self.base, word, first), word

    def parents(self) -> list[Step]:
        made: list[Step] = []
        for table in ("departments", "jobs"):
            word = self.word()
            found = lines.parents(table, self.base, word)
            if self.rng.random() < 0.5:
                made.append(Drop(0.0, f"{table}-{word}.csv", table, found, header=False))
            else:
                made.append(Batch(0.0, word, table, found))
            if self.rng.random() < 0.7:
                word = self.word()
                late = lines.late_parent(table, self.base, word)
                made.append(Batch(self.at(), word, table, late))
        return made

    def drop(self) -> Step:
        table, found, word = self.rows()
        again = f"{table}/{word}-again.csv" if self.rng.random() < 0.2 else ""
        name = self.rng.choice((f"{table}-{word}.csv", f"ann/{table}/{word}.csv"))
        return Drop(self.at(), name, table, found, self.rng.random() < 0.5, again)

    def unreadable(self) -> Step:
        return Unreadable(self.at(), f"teams-{self.word()}.csv")

    def batch(self) -> Step:
        table, found, word = self.rows()
        answers = self.rng.choice((("read",), ("lost", "read"), ("read", "read")))
        return Batch(self.at(), word, table, found, answers)

    def keyless(self) -> Step:
        # With its own keys: if the answer is lost, it is unknown whether its rows were accepted.
        table, found, _ = self.rows(300 + 30 * len(self.numbers))
        return Batch(self.at(), "", table, found)

    def skewed(self) -> Step:
        table, found, _ = self.rows()
        good = [line for line in found if line.good]
        seconds = self.rng.choice(OFFSETS)
        return SkewedBatch(self.at(), table, good, seconds) if good else self.batch()

    def replay(self) -> Step:
        return Replay(self.rng.uniform(1.5, SECONDS), self.word())

    def backup(self) -> Step:
        mode = self.rng.choice(("", "", "merge", "replace"))
        return BackUp(self.at(), self.rng.choice(TABLES), mode, self.rng.uniform(0, 1.5))

    def call(self) -> Step:
        what = ("sync", "sweep", "reconcile", "metrics", "freshness")
        return Call(self.at(), self.rng.choice(what))

    def fault(self) -> Fault:
        at = self.rng.uniform(0.0, SECONDS)
        kind = self.rng.choices(
            ("kill", "kill worker", "kill backend", "freeze", "cut connections"), (8, 4, 1, 2, 2)
        )[0]
        if kind == "kill":
            return Fault(at, kind, self.rng.choice((*FUNCTIONS, *STAND_INS)))
        if kind == "kill worker":
            return Fault(at, kind, self.rng.choice(FUNCTIONS))
        if kind == "freeze":
            part = self.rng.choice((*FUNCTIONS, "pubsub", "storage", "bigquery", "eventarc"))
            return Fault(at, kind, part, self.rng.uniform(0.3, 2.5))
        return Fault(at, kind, "postgres")

    def silence(self) -> Fault:
        """Something that answers late, or not at all, although it has done its work."""
        at = self.rng.uniform(0.0, SECONDS)
        kind = self.rng.choices(("stall", "commits unanswered", "answers lost"), (4, 4, 2))[0]
        if kind == "stall":
            # Rarely the database: while it stands still, no commit can be lost.
            part = self.rng.choices(DEPENDENCIES, (1, 3, 3, 3))[0]
            return Fault(at, kind, part, self.rng.uniform(0.5, 6))
        part = "postgres" if kind == "commits unanswered" else "gateway"
        return Fault(at, kind, part, self.rng.uniform(0.1, 1.5))


def of_machine(rng: random.Random) -> list[Fault]:
    """The faults of the whole machine, in addition to those of the schedules on it."""
    full = Fault(rng.uniform(0, 2), "disk full", "postgres", rng.uniform(0.5, 3))
    found = [full] if rng.random() < 0.25 else []
    for _ in range(2):
        at, seconds = rng.uniform(0, SECONDS), rng.uniform(0.3, 2)
        step = Fault(at, "clock step", "", seconds, rng.choice(OFFSETS))
        found += [step] if rng.random() > 0.5 else []
    return found


def make(seed: int, base: int) -> Schedule:
    """The schedule of a seed.

    Args:
        seed: the same seed gives the same schedule, except for its keys.
        base: the first of its thousand keys.
    """
    maker = _Maker(random.Random(seed), base)
    kinds: tuple[tuple[Callable[[], Step], int], ...] = (
        *((maker.drop, 6), (maker.batch, 5), (maker.keyless, 1), (maker.skewed, 1)),
        *((maker.unreadable, 1), (maker.replay, 2), (maker.backup, 2), (maker.call, 3)),
    )
    makers, weights = zip(*kinds, strict=True)
    chosen = maker.rng.choices(makers, weights, k=maker.rng.randint(6, 14))
    steps = [*maker.parents(), *(make_one() for make_one in chosen)]
    faults = [maker.fault() for _ in range(maker.rng.randint(1, 3))]
    # Drawn last, so that seeds that have found bugs still make the schedules that found them.
    faults += [maker.silence() for _ in range(maker.rng.randint(1, 2))]
    return Schedule(seed, base, sorted(steps, key=lambda step: step.at), faults)
