"""The platform's stand-ins alone: each is started when a test first needs it, without the rest."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from infra.local import environment, plan, postgres, storage
from infra.local import stand_ins as parts
from infra.local.home import Home
from infra.local.layout import Layout
from infra.local.parts import Part
from tests.support import secrecy
from tests.support.checkout import ROOT
from tests.support.platform import claim_ports, new_home

# Less than a test's timeout, because this failure shows the logs.
START_SECONDS = 300.0
# Nobody cuts the power during these tests, so nothing has to reach the disk.
_UNSAFE = ("--fsync=off", "--full_page_writes=off", "--synchronous_commit=off")


class StandIns:
    """The stand-ins of one home. Asking for an address starts what answers there.

    Attributes:
        home: where their data and logs are.
    """

    def __init__(self, home: Home) -> None:
        claim_ports(home)
        self.home = home
        self._layout = plan.lay_out(home, ROOT / "functions", None)
        self._running: dict[str, tuple[Part, subprocess.Popen[bytes]]] = {}

    def database_url(self) -> str:
        """Address of PostgreSQL, as its superuser."""
        self._start("postgres", lambda home, layout: postgres.part(home, layout.ports["postgres"]))
        return environment.database_url(self.home, self._layout)

    def storage_endpoint(self) -> str:
        """Address of Cloud Storage."""
        self._start("storage", storage.part)
        return self._layout.url("storage")

    def pubsub_endpoint(self) -> str:
        """Address of Pub/Sub."""
        self._start("pubsub", parts.pubsub)
        return self._layout.address("pubsub")

    def bigquery_endpoint(self) -> str:
        """Address of BigQuery, which reads the objects of this Cloud Storage."""
        self._start("bigquery", parts.bigquery)
        return self._layout.url("bigquery")

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Suspend a stand-in: it takes connections and answers none."""
        _, process = self._running[name]
        found = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for one in found:
            one.suspend()
        try:
            yield
        finally:
            for one in found:
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    def stop(self) -> None:
        """Stop what was started."""
        for part, process in reversed(self._running.values()):
            process.send_signal(part.stop_signal)
            process.wait(120)

    def _start(self, name: str, make: Callable[[Home, Layout], Part]) -> None:
        if name in self._running:
            return
        part = make(self.home, self._layout)
        part.prepare()
        log = self.home.logs / f"{name}.log"
        process = self._launch(part, log)
        self._running[name] = part, process
        limit = time.monotonic() + START_SECONDS
        while not asyncio.run(part.probe()):
            if process.poll() is not None or time.monotonic() > limit:
                raise AssertionError(f"{name} did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)

    def _launch(self, part: Part, log: Path) -> subprocess.Popen[bytes]:
        account = part.account
        with log.open("ab") as sink:
            return subprocess.Popen(
                [*part.command, *(_UNSAFE if part.name == "postgres" else ())],
                env={**part.environment, **environment.marks(self.home, part.name)},
                cwd=part.folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )


KEPT = "TESTS_STAND_INS"


class KeptStandIns:
    """Stand-ins that another process started, and stops: python -m tests.mutants."""

    def __init__(self, addresses: str) -> None:
        found = json.loads(addresses)
        self.home = Home.at(Path(found["home"]))
        self._addresses: dict[str, str] = found

    @staticmethod
    def addresses(started: StandIns) -> str:
        """Start them all; gives the value of KEPT for the tests that are to use them."""
        return json.dumps(
            {
                "home": str(started.home.path),
                "database_url": started.database_url(),
                "storage": started.storage_endpoint(),
                "pubsub": started.pubsub_endpoint(),
                "bigquery": started.bigquery_endpoint(),
            }
        )

    def database_url(self) -> str:
        """Address of PostgreSQL, as its superuser."""
        return self._addresses["database_url"]

    def storage_endpoint(self) -> str:
        """Address of Cloud Storage."""
        return self._addresses["storage"]

    def pubsub_endpoint(self) -> str:
        """Address of Pub/Sub."""
        return self._addresses["pubsub"]

    def bigquery_endpoint(self) -> str:
        """Address of BigQuery."""
        return self._addresses["bigquery"]


@pytest.fixture(scope="session")
def stand_ins() -> Iterator[StandIns | KeptStandIns]:
    """PostgreSQL, Cloud Storage, Pub/Sub and BigQuery, each started when it is first needed."""
    if kept := os.environ.get(KEPT):
        yield KeptStandIns(kept)
        return
    with new_home() as home:
        made = StandIns(home)
        yield made
        made.stop()
        # Whatever the tests did: no log may hold a secret or a row's value.
        assert secrecy.leaks(home) == []
