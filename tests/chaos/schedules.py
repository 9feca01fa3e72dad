"""A seed makes a schedule: what is done, what goes wrong, and when."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.chaos import lines
from tests.chaos.lines import FIELDS, Line

SECONDS = 3.0
# How far clocks are from the right time.
OFFSETS = (-86400.0, -2.0, 2.0, 86400.0)
TABLES = tuple(FIELDS)
FUNCTIONS = (
    *("ingest_csv", "insert_rows", "store_rows", "sync_warehouse"),
    *("backup_table", "restore_table", "rejected_rows"),
)
STAND_INS = ("postgres", "pubsub", "storage", "bigquery", "gateway", "eventarc", "timer")


@dataclass(frozen=True)
class Drop:
    """A file is dropped; `again` is another name for the same bytes, "" for none."""

    at: float
    name: str
    table: str
    lines: Sequence[Line]
    header: bool
    again: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A file that fits no table is dropped."""

    at: float
    name: str


@dataclass(frozen=True)
class Batch:
    """A batch is sent, with a key as often as `answers` says: each read, or lost on its way."""

    at: float
    key: str
    table: str
    lines: Sequence[Line]
    answers: Sequence[Literal["read", "lost"]] = ("read",)


@dataclass(frozen=True)
class Stepped:
    """A batch comes from a machine whose clock is wrong by some seconds."""

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
    """Something that anybody may ask for at any time."""

    at: float
    what: Literal["sync", "sweep", "reconcile", "metrics", "freshness"]


@dataclass(frozen=True)
class Fault:
    """Something goes wrong.

    Attributes:
        at: when.
        kind: what.
        part: to which part of the platform, "" for the machine of all of them.
        seconds: for how long, where it does not mend itself.
        offset: by how many seconds the clock is set.
    """

    at: float
    kind: Literal[
        *("kill", "kill worker", "kill backend", "freeze"),
        *("cut connections", "disk full", "clock step"),
    ]
    part: str
    seconds: float = 0.0
    offset: float = 0.0


Step = Drop | Unreadable | Batch | Stepped | Replay | BackUp | Call


@dataclass(frozen=True)
class Schedule:
    """What happens.

    Attributes:
        seed: what it was made of.
        base: its keys are the thousand that begin here.
        steps: the work.
        faults: what goes wrong meanwhile.
    """

    seed: int
    base: int
    steps: Sequence[Step]
    faults: Sequence[Fault]

    @property
    def word(self) -> str:
        """What its files and texts are told by."""
        return f"c{self.base}"


@dataclass
class _Maker:
    chance: random.Random
    base: int
    numbers: list[int] = field(default_factory=list)

    def at(self) -> float:
        return self.chance.uniform(0.1, SECONDS)

    def word(self) -> str:
        self.numbers.append(0)
        return f"c{self.base}-{len(self.numbers)}"

    def rows(self, first: int = 0) -> tuple[str, list[Line], str]:
        table = self.chance.choices(TABLES, (1, 1, 3))[0]
        word = self.word()
        return table, lines.some(self.chance, table, self.base, word, first), word

    def parents(self) -> list[Step]:
        made: list[Step] = []
        for table in ("departments", "jobs"):
            word = self.word()
            found = lines.parents(table, self.base, word)
            if self.chance.random() < 0.5:
                made.append(Drop(0.0, f"{table}-{word}.csv", table, found, header=False))
            else:
                made.append(Batch(0.0, word, table, found))
            if self.chance.random() < 0.7:
                word = self.word()
                late = lines.late_parent(table, self.base, word)
                made.append(Batch(self.at(), word, table, late))
        return made

    def drop(self) -> Step:
        table, found, word = self.rows()
        again = f"{table}/{word}-again.csv" if self.chance.random() < 0.2 else ""
        name = self.chance.choice((f"{table}-{word}.csv", f"ann/{table}/{word}.csv"))
        return Drop(self.at(), name, table, found, self.chance.random() < 0.5, again)

    def unreadable(self) -> Step:
        return Unreadable(self.at(), f"teams-{self.word()}.csv")

    def batch(self) -> Step:
        table, found, word = self.rows()
        answers = self.chance.choice((("read",), ("lost", "read"), ("read", "read")))
        return Batch(self.at(), word, table, found, answers)

    def keyless(self) -> Step:
        # Keys of its own: where the answer is lost nobody knows whether its rows were taken.
        table, found, _ = self.rows(300 + 30 * len(self.numbers))
        return Batch(self.at(), "", table, found)

    def stepped(self) -> Step:
        table, found, _ = self.rows()
        good = [line for line in found if line.good]
        seconds = self.chance.choice(OFFSETS)
        return Stepped(self.at(), table, good, seconds) if good else self.batch()

    def replay(self) -> Step:
        return Replay(self.chance.uniform(1.5, SECONDS), self.word())

    def backup(self) -> Step:
        mode = self.chance.choice(("", "", "merge", "replace"))
        return BackUp(self.at(), self.chance.choice(TABLES), mode, self.chance.uniform(0, 1.5))

    def call(self) -> Step:
        what = ("sync", "sweep", "reconcile", "metrics", "freshness")
        return Call(self.at(), self.chance.choice(what))

    def fault(self) -> Fault:
        at = self.chance.uniform(0.0, SECONDS)
        kind = self.chance.choices(
            ("kill", "kill worker", "kill backend", "freeze", "cut connections"), (8, 4, 1, 2, 2)
        )[0]
        if kind == "kill":
            return Fault(at, kind, self.chance.choice((*FUNCTIONS, *STAND_INS)))
        if kind == "kill worker":
            return Fault(at, kind, self.chance.choice(FUNCTIONS))
        if kind == "freeze":
            part = self.chance.choice((*FUNCTIONS, "pubsub", "storage", "bigquery", "eventarc"))
            return Fault(at, kind, part, self.chance.uniform(0.3, 2.5))
        return Fault(at, kind, "postgres")


def of_machine(chance: random.Random) -> list[Fault]:
    """What goes wrong with a whole machine, whatever the schedules on it have of their own."""
    full = Fault(chance.uniform(0, 2), "disk full", "postgres", chance.uniform(0.5, 3))
    found = [full] if chance.random() < 0.25 else []
    for _ in range(2):
        at, seconds = chance.uniform(0, SECONDS), chance.uniform(0.3, 2)
        step = Fault(at, "clock step", "", seconds, chance.choice(OFFSETS))
        found += [step] if chance.random() > 0.5 else []
    return found


def make(seed: int, base: int) -> Schedule:
    """The schedule of a seed.

    Args:
        seed: the same gives the same schedule, but for its keys.
        base: the first of its thousand keys.
    """
    maker = _Maker(random.Random(seed), base)
    kinds: tuple[tuple[Callable[[], Step], int], ...] = (
        *((maker.drop, 6), (maker.batch, 5), (maker.keyless, 1), (maker.stepped, 1)),
        *((maker.unreadable, 1), (maker.replay, 2), (maker.backup, 2), (maker.call, 3)),
    )
    makers, weights = zip(*kinds, strict=True)
    chosen = maker.chance.choices(makers, weights, k=maker.chance.randint(6, 14))
    steps = [*maker.parents(), *(make_one() for make_one in chosen)]
    faults = [maker.fault() for _ in range(maker.chance.randint(1, 3))]
    return Schedule(seed, base, sorted(steps, key=lambda step: step.at), faults)
