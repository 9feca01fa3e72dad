"""Ten minutes of steady load: python -m tests.chaos.soak [--minutes N].

Sends fifty batches a second over HTTP and a file a second through storage to a platform that it
starts on 127.0.0.1. Prints throughput and latency, and from time to time the memory of each part,
connections, pending messages, and how far BigQuery is behind. The last lines say what grows.
"""

import argparse
import random
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import psutil

from tests.chaos.settling import pending_messages
from tests.support import hires
from tests.support.operator import Operator
from tests.support.platform import running

BATCHES_PER_SECOND, ROWS_PER_BATCH, ROWS_PER_FILE = 50, 10, 100
SENDERS, SAMPLES = 16, 10
# Rows are sent again in newer versions, as in practice; this many are stored in the end.
KEYS = 40_000


@dataclass
class Sample:
    """The state of the platform at one time.

    Attributes:
        at: seconds since the start.
        memory_mb: resident memory, by part.
        connections: connections to the database.
        pending: messages that are not acknowledged yet.
        lag: seconds that BigQuery is behind.
        sent: batches answered so far.
    """

    at: float
    memory_mb: dict[str, float]
    connections: int
    pending: int
    lag: float
    sent: int


@dataclass
class Soak:
    """A steady load, and what was measured."""

    operator: Operator
    seconds: float
    latencies: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    files: int = 0
    late: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Send until the time is up, and take samples meanwhile."""
        dropping = threading.Thread(target=self._drop_files)
        watching = threading.Thread(target=self._watch)
        dropping.start()
        watching.start()
        with ThreadPoolExecutor(SENDERS) as pool:
            for number in range(int(self.seconds * BATCHES_PER_SECOND)):
                due = self.started + number / BATCHES_PER_SECOND
                time.sleep(max(0.0, due - time.monotonic()))
                pool.submit(self._send, due)
        dropping.join()
        watching.join()

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.started + self.seconds

    def _send(self, due: float) -> None:
        if self.is_over and time.monotonic() > self.started + self.seconds + 10:
            return
        body = {"rows": [_row() for _ in range(ROWS_PER_BATCH)]}
        self.late = max(self.late, time.monotonic() - due)
        began = time.monotonic()
        try:
            answer = self.operator.api.post("/insert_rows/hired_employees", json=body)
        except httpx.TransportError as error:
            self.refused.append(type(error).__name__)
            return
        self.latencies.append(time.monotonic() - began)
        if answer.status_code != 202:
            self.refused.append(f"{answer.status_code} {answer.text[:80]}")

    def _drop_files(self) -> None:
        while not self.is_over:
            due = self.started + self.files
            time.sleep(max(0.0, due - time.monotonic()))
            lines = (",".join(map(str, _row().values())) for _ in range(ROWS_PER_FILE))
            name = f"hired_employees/soak-{self.files}.csv"
            self.operator.drop(name, ("\n".join(lines) + "\n").encode())
            self.files += 1

    def _watch(self) -> None:
        for number in range(SAMPLES + 1):
            due = self.started + self.seconds * number / SAMPLES
            time.sleep(max(0.0, due - time.monotonic()))
            self.samples.append(self._sample())
            print(_line(self.samples[-1]), flush=True)

    def _sample(self) -> Sample:
        operator = self.operator
        memory = {part.name: _resident_mb(part.pid) for part in operator.platform.status().parts}
        count = "select count(*) from pg_stat_activity where datname = current_database()"
        lag = operator.api.get("/freshness").json().get("lag_seconds", -1.0)
        return Sample(
            time.monotonic() - self.started,
            {name: found for name, found in memory.items() if found},
            operator.count(count),
            sum(pending_messages(operator).values()),
            lag,
            len(self.latencies),
        )


def _row() -> dict[str, object]:
    key = random.randrange(1, KEYS)
    return {
        "id": key,
        "name": f"Given{random.randrange(1000)} Family{key}",
        "datetime": f"2021-{key % 12 + 1:02}-{key % 28 + 1:02}T{key % 24:02}:{key % 60:02}:42Z",
        "department_id": key % hires.DEPARTMENTS + 1,
        "job_id": key % hires.JOBS + 1,
    }


def _resident_mb(pid: int) -> float:
    """Memory of a process and its children, without shared memory."""
    if not pid:
        return 0.0
    try:
        process = psutil.Process(pid)
        found = [process, *process.children(recursive=True)]
        return sum(one.memory_info().rss - one.memory_info().shared for one in found) / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def _line(sample: Sample) -> str:
    memory = " ".join(f"{name} {mb:.0f}" for name, mb in sample.memory_mb.items())
    return (
        f"{sample.at:5.0f} s  {sample.sent:6} batches  lag {sample.lag:5.1f} s  "
        f"{sample.pending:4} messages  {sample.connections:3} connections\n         MB: {memory}"
    )


def report(soak: Soak, settled: float) -> None:
    """Print what was measured."""
    found = sorted(soak.latencies)
    cuts = statistics.quantiles(found, n=100) if len(found) > 1 else [0.0] * 99
    took = soak.samples[-1].at
    print(
        f"\n{len(found)} batches of {ROWS_PER_BATCH} rows and "
        f"{soak.files} files of {ROWS_PER_FILE} in {took:.0f} s: "
        f"{len(found) / took:.1f} batches/s, answered in {cuts[49] * 1000:.0f} ms "
        f"(p50), {cuts[98] * 1000:.0f} ms (p99), sent at most {soak.late:.1f} s late\n"
        f"refused {len(soak.refused)} {sorted(set(soak.refused))[:3]}; "
        f"all in BigQuery {settled:.1f} s after the end"
    )
    # The first tenth still imports, connects and fills caches.
    first, last = soak.samples[len(soak.samples) // 2], soak.samples[-1]
    for name, mb in last.memory_mb.items():
        before = first.memory_mb.get(name, mb)
        if mb - before > max(10.0, 0.1 * before):
            print(f"  grows: {name}, {before:.0f} MB half-way, {mb:.0f} MB at the end")
    if last.connections > first.connections + 5:
        print(f"  grows: connections, {first.connections} half-way, {last.connections} at the end")


def main() -> int:
    """Run the soak test; returns 1 if a batch was refused or is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    seconds = parser.parse_args().minutes * 60
    with running() as platform:
        operator = Operator(platform)
        for table, text in hires.parents().items():
            operator.dropped(f"{table}.csv", text)
        operator.synced()
        soak = Soak(operator, seconds)
        soak.run()
        ended = time.monotonic()
        stored = "select count(*) from loads where kind = 'batch' and state = 'done'"
        wanted = len(soak.latencies) - len(soak.refused)
        while operator.count(stored) < wanted and time.monotonic() < ended + 120:
            time.sleep(0.2)
        operator.synced(120)
        report(soak, time.monotonic() - ended)
        missing = wanted - operator.count(stored)
        print(f"stored {operator.count(stored)} batches, missing {missing}")
        operator.close()
    return 1 if soak.refused or missing else 0


if __name__ == "__main__":
    sys.exit(main())
