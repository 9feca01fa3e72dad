"""Injects faults: killed and frozen processes, lost connections and answers, a full disk, a wrong
clock.

It only touches processes of the platform that the test started. It finds them by the pid and the
start time that the platform's supervisor has recorded.
"""

import contextlib
import random
import time
from collections import Counter

import psutil
import sqlalchemy as sa

from infra.local import processes
from tests.chaos.calling import Caller
from tests.chaos.clock import Clock
from tests.chaos.disk import Disk
from tests.chaos.proxy import DatabaseProxy
from tests.chaos.schedules import Fault
from tests.support.platform import Platform

_CUT = sa.text("""
    select pg_terminate_backend(pid) from pg_stat_activity
    where pid <> pg_backend_pid() and datname = current_database()
""")


class Injector:
    """Injects faults into a platform.

    Attributes:
        done: how many faults were injected, by kind and part.
    """

    def __init__(
        self,
        platform: Platform,
        engine: sa.Engine,
        disk: Disk | None,
        clock: Clock | None,
        proxy: DatabaseProxy,
        caller: Caller,
    ) -> None:
        self.done: Counter[tuple[str, str]] = Counter()
        self._platform, self._engine = platform, engine
        self._disk, self._clock = disk, clock
        self._proxy, self._caller = proxy, caller

    def inject(self, fault: Fault) -> None:
        """Inject one fault; does nothing if the part is not running."""
        is_done = False
        with contextlib.suppress(psutil.NoSuchProcess):
            is_done = self._inject(fault)
        if is_done:
            self.done[fault.kind, fault.part] += 1

    def _inject(self, fault: Fault) -> bool:
        if fault.kind == "cut connections":
            return self._cut_connections()
        if fault.kind == "disk full":
            if self._disk is not None:
                self._disk.fill(fault.seconds)
            return self._disk is not None
        if fault.kind == "clock step":
            if self._clock is not None:
                self._clock.step(fault.offset, fault.seconds)
            return self._clock is not None
        if fault.kind == "commits unanswered":
            return self._proxy.lose_commits(fault.seconds)
        if fault.kind == "answers lost":
            return self._caller.lose_answers(fault.seconds)
        return self._stop(fault)

    def _stop(self, fault: Fault) -> bool:
        part = self._platform.part(fault.part)
        process = processes.find(part.pid, part.began)
        if process is None:
            return False
        if fault.kind in ("freeze", "stall"):
            return _freeze([process, *process.children(recursive=True)], fault.seconds)
        targets = [process]
        if fault.kind != "kill":
            children = process.children()
            targets = [random.choice(children)] if children else []
        for target in targets:
            target.kill()
        return bool(targets)

    def _cut_connections(self) -> bool:
        try:
            with self._engine.connect() as connection:
                return bool(connection.scalars(_CUT).all())
        except (OSError, sa.exc.SQLAlchemyError):
            return False


def _freeze(found: list[psutil.Process], seconds: float) -> bool:
    """Suspend processes for a while, as if the machine were stalled."""
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(seconds)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
    return True
