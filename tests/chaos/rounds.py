"""A round: run some schedules at once, wait until the platform is idle, then check everything."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.layout import last_ports
from tests.chaos import clock as clocks
from tests.chaos import contents, disk, files, ledger, schedules, settling, up
from tests.chaos.calling import Caller
from tests.chaos.clock import Clock
from tests.chaos.contents import Round
from tests.chaos.disk import Disk
from tests.chaos.faults import Injector
from tests.chaos.findings import Findings
from tests.chaos.mishaps import Mishaps
from tests.chaos.model import Model
from tests.chaos.proxy import DatabaseProxy
from tests.chaos.publishing import Duplicator, Publisher
from tests.chaos.schedules import Fault, Schedule
from tests.chaos.working import Worker
from tests.support.operator import Operator
from tests.support.platform import Platform, new_home, start

# The sweep finds files whose events were lost; here it does not wait five minutes.
ENVIRONMENT = {"SWEEP_AGE_SECONDS": "4"}


class Arena:
    """A platform under chaos, and everything that works on it."""

    def __init__(
        self, platform: Platform, small: Disk | None, clock: Clock | None, proxy: DatabaseProxy
    ) -> None:
        self.platform, self.model, self.clock = platform, Model(), clock
        self.operator, self.caller = Operator(platform), Caller(platform)
        self.publisher = Publisher(platform)
        self.injector = Injector(platform, self.operator.engine, small, clock, proxy, self.caller)
        self.duplicator = Duplicator(platform, self.publisher)
        self.mishaps = Mishaps(
            *(self.operator, self.caller, self.model),
            lambda: settling.sweep(self.operator, self.duplicator, self.publisher),
        )
        self._next_key = 1000

    def close(self) -> None:
        """Close all connections."""
        self.duplicator.close()
        for one in (self.caller, self.publisher, self.operator):
            one.close()

    @property
    def faults(self) -> Counter[tuple[str, str]]:
        """The faults so far, by kind and part, including events delivered twice."""
        duplicated = Counter({("event twice", ""): self.duplicator.duplicated})
        return self.injector.done + duplicated

    def play(
        self, seeds: Sequence[int], damage: Callable[[Operator], None] | None = None
    ) -> Findings:
        """Play the schedules of some seeds at once, and check everything afterwards.

        Args:
            seeds: one for each schedule.
            damage: called before the checks, to test that they find the damage.
        """
        findings = Findings()
        since = datetime.now(UTC) - timedelta(milliseconds=1)
        first, before = self._next_key, len(self.model.sent)
        made = [schedules.make(seed, first + 1000 * n) for n, seed in enumerate(seeds)]
        self._next_key += 1000 * len(made)
        rng = random.Random(seeds[0])
        self.duplicator.is_active = rng.random() < 0.6
        faults = [*schedules.of_machine(rng), *(f for one in made for f in one.faults)]
        self._run(made, faults)
        left = settling.settle(self.operator, self.duplicator, self.publisher)
        findings.must(not left, "never settled", left)
        left = settling.sweep(self.operator, self.duplicator, self.publisher)
        findings.must(not left, "never settled", left)
        try:
            self.mishaps.play(rng, made[0].base, findings)
        except Exception as error:  # noqa: BLE001 - reported in the findings
            findings.must(False, "mishap not played", f"{type(error).__name__}: {error}")
        if damage is not None:
            damage(self.operator)
        try:
            self.model.clocks = {0.0, *(fault.offset for fault in faults)}
            self._check(since, before, range(first, self._next_key), findings)
        except Exception as error:  # noqa: BLE001 - a check that cannot run has failed
            findings.must(False, "not checked", f"{type(error).__name__}: {error}")
        findings.count("schedules", len(made))
        findings.count("operations", sum(len(schedule.steps) for schedule in made))
        return findings

    def _run(self, made: Sequence[Schedule], faults: Sequence[Fault]) -> None:
        started = time.monotonic()
        acts: list[tuple[float, Callable[[], None]]] = []
        acts += [(f.at, lambda f=f: self.injector.inject(f)) for f in faults]
        for schedule in made:
            worker = Worker(
                schedule, self.model, self.caller, self.publisher, self.operator.names["uploads"]
            )
            acts += [(s.at, lambda w=worker, s=s: w.do(s)) for s in schedule.steps]
        with ThreadPoolExecutor(len(acts)) as pool:
            for at, act in acts:
                pool.submit(self._run_at, started + at, act)

    def _run_at(self, moment: float, act: Callable[[], None]) -> None:
        time.sleep(max(0.0, moment - time.monotonic()))
        try:
            act()
        except Exception as error:  # noqa: BLE001 - reported in the findings
            self.model.problems.append(f"{type(error).__name__}: {error}")

    def _check(self, since: datetime, before: int, keys: range, findings: Findings) -> None:
        operator, model = self.operator, self.model
        found = ledger.check(operator, model, model.sent[before:], since, findings)
        ledger.check_rejects(operator, found, findings)
        restored = contents.restores(operator, model, since, findings)
        findings.count("restores", len(restored))
        contents.check(operator, Round(model, found, restored, since, keys), findings)
        files.check(operator, found, findings)
        files.check_rest(operator, findings)
        files.check_backups(operator, self.caller, model, findings)
        files.check_reconciled(self.caller, findings)
        for problem in (*model.problems, *self.caller.problems):
            findings.must(False, "wrong answer", problem)
        model.problems.clear()
        self.caller.problems.clear()


@contextmanager
def started() -> Iterator[Arena]:
    """An arena on a new platform, whose sweep does not wait five minutes."""
    with (
        pytest.MonkeyPatch.context() as patch,
        new_home() as home,
        disk.small(home) as small,
        clocks.settable(home) as clock,
        closing(DatabaseProxy(lambda: last_ports(home)["postgres"])) as proxy,
    ):
        for name, value in (ENVIRONMENT | (clock.environment if clock else {})).items():
            patch.setenv(name, value)
        patch.setenv(up.PORT, str(proxy.port))
        platform = start(home, module="tests.chaos.up")
        # The checks ask the database itself.
        platform.description["database_url"] = up.direct(home)
        arena = Arena(platform, small, clock, proxy)
        try:
            yield arena
        finally:
            arena.close()
            platform.stop()
