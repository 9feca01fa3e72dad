"""The supervisor keeps one part running."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import part_process
from infra.local.part_process import PartProcess
from infra.local.parts import Part, Stage
from infra.local.status import PartStatus

SLEEPS = "import time; time.sleep(60)"
UNTIL = """
import pathlib, sys, time

while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
"""


def part(name: str, code: str, *arguments: str, **options: Any) -> Part:
    """A part that is a Python program."""
    return Part(
        name=name,
        command=(sys.executable, "-c", code, *arguments),
        stage=Stage.DATABASE,
        environment=os.environ,
        stop_signal=signal.SIGKILL,
        **options,
    )


async def run_part(folder: Path, part: Part, act: Iterator[None]) -> PartStatus:
    """Run a part, advance `act` each time it gets ready, and stop it when `act` ends."""
    status = PartStatus(part.name, "")

    def changed(now: PartStatus) -> None:
        if now.state == "ready" and next(act, self) is self:
            over.set()

    self, over = object(), asyncio.Event()
    process = PartProcess(part, status, folder / "log", {}, changed)
    running = asyncio.create_task(process.run())
    await asyncio.wait_for(over.wait(), 20)
    await process.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return status


def test_a_part_that_stops_answering_is_restarted(tmp_path: Path) -> None:
    alive = tmp_path / "alive"

    async def answers() -> bool:
        return alive.exists()

    def hang() -> Iterator[None]:
        alive.unlink()
        yield

    program = part(
        "hanging",
        SLEEPS,
        probe=answers,
        prepare=alive.touch,
        silence_seconds=1.0,
    )

    status = asyncio.run(run_part(tmp_path, program, hang()))

    assert status.restarts == 1


def test_a_part_that_answers_only_sometimes_is_not_killed(tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    calls = iter(range(10_000))

    async def answers() -> bool:
        call = next(calls)
        if call == 30:
            enough.touch()
        return call % 3 == 0

    # Probed every tenth of a second.
    program = part(
        "slow",
        UNTIL,
        str(enough),
        probe=answers,
        prepare=lambda: enough.unlink(missing_ok=True),
        silence_seconds=1.0,
    )

    def once() -> Iterator[None]:
        yield

    status = asyncio.run(run_part(tmp_path, program, once()))

    # The one restart is because the program ended by itself, after thirty probes.
    assert status.restarts == 1
    assert next(calls) > 30


def test_a_nice_part_is_nice_to_its_autogroup_too(tmp_path: Path) -> None:
    expected = os.getpriority(os.PRIO_PROCESS, 0) + 5
    found: list[tuple[int, str]] = []

    async def answers() -> bool:
        session = Path(f"/proc/{status.pid}/autogroup")
        weight = session.read_text() if session.exists() else f"nice {expected}"
        found.append((os.getpriority(os.PRIO_PROCESS, status.pid), weight.strip()))
        return True

    program = part(
        "behind",
        SLEEPS,
        probe=answers,
        nice=5,
    )
    status = PartStatus(program.name, "")

    async def once() -> None:
        process = PartProcess(program, status, tmp_path / "log", {}, lambda _: None)
        running = asyncio.create_task(process.run())
        await asyncio.wait_for(process.been_ready.wait(), 20)
        await process.stop()
        await running

    asyncio.run(once())

    niceness, weight = found[0]
    assert niceness == expected
    assert weight.endswith(f" {expected}")


WORKS = """
import multiprocessing, pathlib, sys, time

def recover():
    while time.process_time() < 3:
        sum(range(10_000))
    pathlib.Path(sys.argv[1]).touch()

multiprocessing.Process(target=recover).start()
time.sleep(60)
"""


def test_a_part_that_is_busy_before_it_answers_is_not_restarted(tmp_path: Path) -> None:
    alive = tmp_path / "alive"

    async def answers() -> bool:
        return alive.exists()

    program = part(
        "recovering",
        WORKS,
        str(alive),
        probe=answers,
        silence_seconds=2.0,
    )

    status = asyncio.run(run_part(tmp_path, program, iter(())))

    assert status.restarts == 0


def test_a_part_that_hangs_during_startup_is_restarted(tmp_path: Path) -> None:
    starts = tmp_path / "starts"

    async def answers() -> bool:
        return starts.read_text().count("|") > 1

    def count() -> None:
        with starts.open("a") as file:
            file.write("|")

    program = part(
        "stuck",
        SLEEPS,
        probe=answers,
        prepare=count,
        silence_seconds=0.5,
    )

    status = asyncio.run(run_part(tmp_path, program, iter(())))

    assert status.restarts == 1


def test_the_log_of_a_running_part_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_process, "_ROTATE_SECONDS", 0.05)

    async def has_been_rotated() -> bool:
        return (tmp_path / "log.1").exists()

    talkative = "import time; print('x' * 6_000_000, flush=True); time.sleep(60)"
    program = part("talkative", talkative, probe=has_been_rotated)

    asyncio.run(run_part(tmp_path, program, iter(())))

    assert (tmp_path / "log").stat().st_size < 5_000_000
