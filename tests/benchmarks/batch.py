"""How fast batches of rows are answered and stored, compared with FastAPI and pydantic.

    python -m tests.benchmarks.batch [BATCHES]

All in one run, with one worker each: insert_rows through the gateway and at its own port, and the
same batches at FastAPI with pydantic, which does the same work: it validates the rows, publishes
them to the same Pub/Sub, which keeps them for a subscription, and answers when that has
acknowledged them. The two take turns. FastAPI's batches are stored nowhere, so ours are stored
after the round; what they reach while they are stored on the same cores is printed beside. A batch
counts as stored at the ledger's `finished_at`, which is set just before the commit; how long a
commit takes is printed too.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import count
from urllib.parse import urlsplit

import msgspec
import psutil

from infra.local.layout import PROJECT
from shared import tables
from shared.validation.json_batch import check
from tests.benchmarks import fastapi
from tests.support import clients, hires
from tests.support.operator import Operator
from tests.support.platform import Platform, running

PATH = "/insert_rows/hired_employees"
ROWS = 1000
CLIENTS = (1, 8)
SIZES = (1000, 100, 1)
ROUNDS, BATCHES_A_ROUND = 5, {1000: 40, 100: 120, 1: 240}
STEADY_BATCHES, STEADY_SECONDS = 60, 0.05
POLL_SECONDS = 0.002
STORED = "select source, finished_at from loads where state = 'done' and source = any(:ids)"
CHECKS, WARM_BATCHES = 200, 5
DRAIN_SECONDS = 60

numbers = count()


@dataclass(frozen=True)
class Sent:
    """A batch that was sent.

    Attributes:
        batch_id: its id; empty if the service does not store it.
        moment: when it was sent.
        seconds: until it was answered.
    """

    batch_id: str
    moment: datetime
    seconds: float


class Client:
    """A client with one connection that stays open."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = HTTPConnection(str(urlsplit(url).netloc))
        self._headers = {"Content-Type": "application/json", "X-Token": token}

    def send(self, body: bytes) -> Sent:
        """Send a batch and wait for the answer."""
        moment, started = datetime.now(UTC), time.perf_counter()
        self._connection.request("POST", PATH, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        seconds = time.perf_counter() - started
        assert response.status == 202, answer
        return Sent(msgspec.json.decode(answer).get("batch_id", ""), moment, seconds)


def main() -> None:
    """Run and print."""
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    report_checks()
    with (
        running() as platform,
        fastapi.serving(platform.description["pubsub"]["endpoint"], PROJECT) as yardstick,
    ):
        operator = Operator(platform)
        make_topic(platform)
        try:
            for table, text in hires.parents().items():
                operator.dropped(f"{table}.csv", text)
            operator.synced()
            own_port = platform.part("insert_rows").address
            report_commit(operator)
            print(f"\n{'':34}{'batches/s':>12}{'answered ms':>18}{'stored ms':>18}")
            print(f"{'':34}{'':12}{'p50':>9}{'p99':>9}{'p50':>9}{'p99':>9}")
            for name, url in (("through the gateway", platform.gateway), ("at its port", own_port)):
                stored(operator, send_all(url, platform.token, 1, WARM_BATCHES)[0])
                one_by_one(operator, f"insert_rows {name}", url)
                steady(operator, f"insert_rows {name}", url)
                for senders in CLIENTS:
                    saturated(operator, f"insert_rows {name}", url, senders, batches)
            send_all(yardstick, "", 1, WARM_BATCHES)
            line("FastAPI + pydantic, 20 a second", 1 / STEADY_SECONDS, paced(yardstick, ""))
            print(f"\n{'':58}{'stored later':>18}{'stored beside':>18}")
            head = f"{'batches/s':>12}{'theirs':>12}" + 2 * f"{'rate':>9}{'p50':>9}"
            print(f"{'beside FastAPI + pydantic':34}{head}")
            for rows in SIZES:
                for senders in CLIENTS:
                    compare(operator, yardstick, senders, rows)
        finally:
            operator.close()


def make_topic(platform: Platform) -> None:
    """Make the topic to which the yardstick publishes, and a subscription that keeps all of it."""
    pubsub = platform.description["pubsub"]
    publisher, subscriber = clients.of_pubsub(pubsub["endpoint"], pubsub["secret"])
    topic = f"projects/{PROJECT}/topics/{fastapi.TOPIC}"
    publisher.create_topic(name=topic)
    name = f"projects/{PROJECT}/subscriptions/{fastapi.TOPIC}"
    subscriber.create_subscription(name=name, topic=topic)
    publisher.stop()
    publisher.transport.close()
    subscriber.close()


def compare(operator: Operator, yardstick: str, senders: int, rows: int) -> None:
    """Print how much faster our answers are than the yardstick's, in rounds that take turns."""
    platform, batches = operator.platform, BATCHES_A_ROUND[rows]
    ours = platform.part("insert_rows").address
    ways = {
        "theirs": (yardstick, "", nullcontext),
        "ours": (ours, platform.token, lambda: paused(platform, "store_rows")),
        "stored": (ours, platform.token, nullcontext),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    answers: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, (url, token, during) in ways.items():
            with during():
                sent, took = send_all(url, token, senders, batches, rows)
            rates[way].append(batches / took)
            answers[way].append(statistics.median(one.seconds for one in sent))
            if url == ours:
                # What is still being stored would slow down the next round.
                stored(operator, sent)
    rate = {way: statistics.median(found) for way, found in rates.items()}
    p50 = {way: statistics.median(found) for way, found in answers.items()}
    cells = f"{rate['ours']:>12.0f}{rate['theirs']:>12.0f}"
    for way in ("ours", "stored"):
        cells += f"{rate[way] / rate['theirs']:>9.2f}{p50[way] / p50['theirs']:>9.2f}"
    print(f"{f'{rows} rows, {senders} client(s)':<34}{cells}", flush=True)


@contextmanager
def paused(platform: Platform, name: str) -> Iterator[None]:
    """Suspend the processes of a part."""
    parent = psutil.Process(platform.part(name).pid)
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def one_by_one(operator: Operator, name: str, url: str) -> None:
    """Measure one client that sends the next batch when the last one is stored."""
    client, sent = Client(url, operator.platform.token), []
    started = time.perf_counter()
    for one in [body() for _ in range(STEADY_BATCHES)]:
        sent.append(client.send(one))
        while not operator.ask(STORED, ids=[sent[-1].batch_id]):
            time.sleep(POLL_SECONDS)
    rate = STEADY_BATCHES / (time.perf_counter() - started)
    line(f"{name}, one by one", rate, sent, stored(operator, sent))


def steady(operator: Operator, name: str, url: str) -> None:
    """Measure one client that sends twenty batches a second, so that nothing queues."""
    sent = paced(url, operator.platform.token)
    line(f"{name}, 20 a second", 1 / STEADY_SECONDS, sent, stored(operator, sent))


def paced(url: str, token: str) -> list[Sent]:
    """Send batches at a steady pace."""
    client, sent = Client(url, token), []
    bodies = [body() for _ in range(STEADY_BATCHES)]
    started = time.perf_counter()
    for place, one in enumerate(bodies):
        time.sleep(max(0.0, started + place * STEADY_SECONDS - time.perf_counter()))
        sent.append(client.send(one))
    return sent


def saturated(operator: Operator, name: str, url: str, senders: int, batches: int) -> None:
    """Measure clients that send the next batch as soon as the last is answered; storing queues."""
    sent, took = send_all(url, operator.platform.token, senders, batches)
    line(f"{name}, {senders} client(s)", batches / took, sent, stored(operator, sent))


def send_all(
    url: str, token: str, senders: int, batches: int, rows: int = ROWS
) -> tuple[list[Sent], float]:
    """Send batches as fast as they are answered; returns them and the seconds it took."""
    shares = [[body(rows=rows) for _ in range(batches // senders)] for _ in range(senders)]

    def send(share: list[bytes]) -> list[Sent]:
        client = Client(url, token)
        return [client.send(one) for one in share]

    started = time.perf_counter()
    with ThreadPoolExecutor(senders) as pool:
        found = [sent for share in pool.map(send, shares) for sent in share]
    return found, time.perf_counter() - started


def stored(operator: Operator, sent: Sequence[Sent]) -> list[float]:
    """Wait until all batches are stored and synced; returns the seconds that storing each took."""
    limit = time.monotonic() + DRAIN_SECONDS
    ids = [one.batch_id for one in sent]
    while len(found := operator.ask(STORED, ids=ids)) < len(ids):
        assert time.monotonic() < limit, f"{len(found)} of {len(ids)} batches are stored"
        time.sleep(0.1)
    operator.synced(DRAIN_SECONDS)
    finished = {row["source"]: row["finished_at"] for row in found}
    return [(finished[one.batch_id] - one.moment).total_seconds() for one in sent]


def body(bad_share: float = 0.0, rows: int = ROWS) -> bytes:
    """A batch of hires with ids that no other batch has."""
    first = 1 + next(numbers) * ROWS
    every = round(1 / bad_share) if bad_share else 0
    return msgspec.json.encode(
        {
            "rows": [
                {
                    "id": i,
                    "name": "" if every and i % every == 0 else f"Given{i % 997} Family{i % 7919}",
                    "datetime": f"2021-{i % 12 + 1:02}-{i % 28 + 1:02}T{i % 24:02}:42:08Z",
                    "department_id": i % hires.DEPARTMENTS + 1,
                    "job_id": i % hires.JOBS + 1,
                }
                for i in range(first, first + rows)
            ]
        }
    )


def report_checks() -> None:
    """Print how long it takes to validate a batch."""
    table = tables.find("hired_employees")
    for name, share in (("good", 0.0), ("5% bad", 0.05)):
        one = body(share)
        took = timed(lambda one=one: check(table, one))  # type: ignore[misc]
        print(f"validating {ROWS} rows, {name:<8} p50 {took * 1000:>6.2f} ms")


def report_commit(operator: Operator) -> None:
    """Print how long a commit takes by itself."""
    with operator.engine.begin() as connection:
        connection.exec_driver_sql("create table commits (moment timestamptz)")

    def commit() -> None:
        with operator.engine.begin() as connection:
            connection.exec_driver_sql("insert into commits values (now())")

    print(f"committing one row            p50 {timed(commit) * 1000:>6.2f} ms")


def timed(act: Callable[[], object]) -> float:
    """The median of how long something takes, in seconds."""
    times = []
    for _ in range(CHECKS):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def line(name: str, rate: float, sent: Sequence[Sent], stored: Sequence[float] = ()) -> None:
    """Print a line of the table."""
    cells = f"{rate:>12.0f}{quantiles([one.seconds for one in sent])}"
    print(f"{name:<34}{cells}{quantiles(stored) if stored else ''}", flush=True)


def quantiles(seconds: Sequence[float]) -> str:
    """The 50th and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"{cuts[49] * 1000:>9.1f}{cuts[98] * 1000:>9.1f}"


if __name__ == "__main__":
    main()
