"""The command line, as programs and as people at a terminal use it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.support.checkout import ROOT
from tests.support.operator import Operator
from tests.support.platform import Platform

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
PROGRAM = (sys.executable, "-m", "infra.cli")


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, decoded."""
        return json.loads(self.out)


def environment(**variables: str) -> dict[str, str]:
    """The environment of a command: no platform elsewhere, unless the test names one."""
    ours = ("TABLEGATE_", "COLUMNS", "LINES")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **variables}


def call(*words: str, given: bytes = b"", folder: Path | None = None, **variables: str) -> Ran:
    """Run the command as a program does, with pipes."""
    done = subprocess.run(
        [*PROGRAM, *words],
        input=given,
        capture_output=True,
        cwd=folder or ROOT,
        env=environment(**variables),
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def typed(*words: str, folder: Path | None = None, answers: Sequence[str] = ()) -> Ran:
    """Run the command at a terminal of 200 columns."""
    child = pexpect.spawn(
        PROGRAM[0],
        [*PROGRAM[1:], *words],
        cwd=str(folder or ROOT),
        env=environment(TERM="xterm"),
        dimensions=(50, 200),
        encoding="utf-8",
        timeout=120,
    )
    for answer in answers:
        child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.signalstatus is None
    return Ran(child.exitstatus, _ESCAPES.sub("", child.before), "")


@pytest.fixture(scope="module")
def operator(platform: Platform) -> Iterator[Operator]:
    """An operator of a platform without rows."""
    made = Operator(platform)
    made.clear()
    yield made
    made.close()


@pytest.fixture
def run(platform: Platform) -> Callable[..., Ran]:
    """Runs the command for the platform of this machine, with pipes."""
    return lambda *words, **given: call("--home", str(platform.home.path), *words, **given)


@pytest.fixture
def type_(platform: Platform) -> Callable[..., Ran]:
    """Runs the command for the platform of this machine, at a terminal."""
    return lambda *words, **given: typed("--home", str(platform.home.path), *words, **given)
