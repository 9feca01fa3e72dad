"""A platform that tests started: what they ask of it, and how it is stopped."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from infra.local import ports, postgres, processes
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.layout import STAND_INS
from infra.local.stand_ins import bigquery_python
from infra.local.status import PartStatus, PlatformStatus, read_status, running_status
from tests.support import secrecy
from tests.support.checkout import ROOT

# Less than a test's timeout, because this failure shows the logs.
START_SECONDS = 300.0
# Parts that run only once, at the start.
TASKS = ("topics", "buckets", "tables", "warehouse")


@dataclass
class Platform:
    """A running platform.

    Attributes:
        home: where its data is.
        process: the `up` that runs it.
        description: platform.json.
    """

    home: Home
    process: subprocess.Popen[str]
    description: dict[str, Any] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """Address of the gateway."""
        return str(self.description["gateway"])

    @property
    def token(self) -> str:
        """The token that opens every call."""
        return str(self.description["token"])

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return str(self.description["database_url"])

    def status(self) -> PlatformStatus:
        """The status of all parts."""
        status = read_status(self.home)
        assert status is not None
        return status

    def part(self, name: str) -> PartStatus:
        """The status of a part."""
        return self.status().part(name)

    def services(self) -> list[str]:
        """Names of the parts that run all the time."""
        return [part.name for part in self.status().parts if part.name not in TASKS]

    def kill(self, part: str) -> None:
        """Kill a part with SIGKILL and wait until it is back."""
        before = self.part(part)
        psutil.Process(before.pid).kill()
        wait_until(lambda: self.part(part).restarts > before.restarts, f"{part} was missed")
        wait_until(lambda: self.part(part).state == "ready", f"{part} came back")
        self.wait_healthy()

    def wait_healthy(self) -> None:
        """Wait until the gateway says that every part is ready."""
        wait_until(self.is_healthy, "healthy")

    def is_healthy(self) -> bool:
        """Whether the gateway says that every part is ready."""
        try:
            return httpx.get(f"{self.gateway}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> str:
        """Stop the platform; returns what it printed."""
        self.process.terminate()
        printed, _ = self.process.communicate(timeout=120)
        return printed


def wait_until(question: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Wait until a question is answered yes."""
    limit = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < limit, f"not {what} within {seconds:.0f} s"
        time.sleep(0.02)


def start(home: Home, *options: str, root: Path = ROOT, module: str = "infra.local") -> Platform:
    """Start a platform on a home, from a checkout, and wait until it is ready."""
    claim_ports(home)
    process = launch("up", "--home", str(home.path), *options, root=root, module=module)
    platform = Platform(home, process)
    limit = time.monotonic() + START_SECONDS
    while not (_is_run_by(home, process.pid) and home.description.exists()):
        if process.poll() is not None or time.monotonic() > limit:
            process.terminate()
            printed, _ = process.communicate()
            raise AssertionError(f"the platform did not start:\n{printed}\n{_tails(home)}")
        time.sleep(0.05)
    platform.description = json.loads(home.description.read_text())
    return platform


def claim_ports(home: Home) -> None:
    """Choose the ports of a new home among those that no other process of this run chooses.

    Two that start at the same moment could otherwise choose the same.
    """
    if home.is_home():
        return
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

    def is_free(port: int) -> bool:
        # Forty at a time, as a platform takes them.
        return port // 40 % count == number and ports.can_listen(port)

    names = (*STAND_INS, *(path.parent.name for path in (ROOT / "functions").glob("*/main.py")))
    home.prepare()
    home.layout.write_text(json.dumps({"ports": ports.choose(names, {}, {}, is_free)}))


def skip_without_bigquery() -> None:
    """Skip the test if the BigQuery stand-in is not installed."""
    try:
        bigquery_python()
    except PlatformError as error:
        pytest.skip(str(error))


def launch(*words: str, root: Path = ROOT, module: str = "infra.local") -> subprocess.Popen[str]:
    """Run `python -m infra.local` beside the test, or a module in its place."""
    if words[0] in {"up", "demo"}:
        skip_without_bigquery()
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def call(*words: str) -> tuple[int, str]:
    """Run `python -m infra.local` to its end; returns status and what it printed."""
    process = launch(*words)
    printed, _ = process.communicate(timeout=60)
    return process.returncode, printed


@contextmanager
def new_home() -> Iterator[Home]:
    """A home in a temporary folder; everything of it is gone afterwards."""
    # Not pytest's own folder: PostgreSQL's account could not enter that.
    folder = Path(tempfile.mkdtemp(prefix="tablegate-test-"))
    folder.chmod(0o711)
    home = Home.at(folder / "home")
    try:
        yield home
    finally:
        processes.end(processes.of_home(home))
        postgres.remove_outside(home)
        shutil.rmtree(folder)


@contextmanager
def running(*options: str, root: Path = ROOT) -> Iterator[Platform]:
    """A platform on a home of its own, stopped afterwards."""
    with new_home() as home:
        platform = start(home, *options, root=root)
        try:
            yield platform
        finally:
            platform.stop()
        # Whatever the tests did with it: no log of its run may hold a secret or a row's value.
        assert secrecy.leaks(home) == []


def _is_run_by(home: Home, pid: int) -> bool:
    status = running_status(home)
    return status is not None and status.pid == pid


def _tails(home: Home) -> str:
    logs = sorted(home.logs.glob("*.log")) if home.logs.exists() else []
    return "\n".join(
        f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        for log in logs
    )


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A running platform; tests leave it healthy."""
    with running() as started:
        yield started


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address; gRPC listens on IPv4 by way of IPv6."""
    found = ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback
