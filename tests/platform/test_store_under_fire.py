"""Batches while store_rows is killed again and again: every accepted row is stored once."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from infra.local.processes import start_time
from tests.support import hires
from tests.support.operator import Operator
from tests.support.platform import Platform, running, wait_until

pytestmark = pytest.mark.slow


BATCHES, ROWS, BAD_ROWS, CLIENTS = 200, 1000, 3, 8
FIRE_SECONDS, REST_SECONDS = 20.0, 60.0
SEED = 20210727
NOBODY_THERE = "ClientConnectorError"
# Ids are unique by the table's key: first, last and number of rows say that none is missing.
STORED = f"""
    select l.source, count(*) as rows, min(h.id) as first, max(h.id) as last,
        bool_and(
            h.name = 'Given' || h.id % 997 || ' Family' || h.id
            and h.datetime = make_timestamptz(
                2021, cast(h.id % 12 + 1 as int), cast(h.id % 28 + 1 as int),
                cast(h.id % 24 as int), cast(h.id % 60 as int), 42, 'UTC'
            )
            and h.department_id = h.id % {hires.DEPARTMENTS} + 1
            and h.job_id = h.id % {hires.JOBS} + 1
        ) as as_sent
    from hired_employees h join loads l using (load_id)
    group by l.source
"""


@dataclass(frozen=True)
class Sending:
    """One time that a batch is sent.

    Attributes:
        number: which batch.
        key: its Idempotency-Key, or None.
        at: seconds from the start.
        race: where a copy is sent at the very same moment, what both wait at.
    """

    number: int
    key: str | None
    at: float
    race: threading.Barrier | None = None


@dataclass
class Fire:
    """Kills store_rows once a second while it is entered.

    Attributes:
        kills: how often it hit; most seconds the worker alone, which is quickly back.
    """

    platform: Platform
    kills: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Fire":
        self._thread = threading.Thread(target=self._keep_firing)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep_firing(self) -> None:
        chance = random.Random(SEED)
        while not self._over.wait(1.0):
            self.kills += self._kill(whole=chance.random() < 0.25)

    def _kill(self, *, whole: bool) -> bool:
        part = self.platform.part("store_rows")
        if not part.pid or start_time(part.pid) != part.began:
            return False
        try:
            server = psutil.Process(part.pid)
            targets = [*([server] if whole else []), *server.children(recursive=True)]
            for process in targets:
                process.kill()
        except psutil.NoSuchProcess:
            return False
        return bool(targets)


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """Somebody at a platform of their own, whose departments and jobs are there."""
    with running() as platform:
        made = Operator(platform)
        for table, text in hires.parents().items():
            made.dropped(f"{table}.csv", text)
        yield made
        made.close()


def rows(number: int) -> list[dict[str, object]]:
    """The rows of a batch, which no other has; the last ones lack their name."""
    first = 1 + number * ROWS
    return [
        {
            "id": i,
            "name": "" if i >= first + ROWS - BAD_ROWS else f"Given{i % 997} Family{i}",
            "datetime": f"2021-{i % 12 + 1:02}-{i % 28 + 1:02}T{i % 24:02}:{i % 60:02}:42Z",
            "department_id": i % hires.DEPARTMENTS + 1,
            "job_id": i % hires.JOBS + 1,
        }
        for i in range(first, first + ROWS)
    ]


def plan() -> list[Sending]:
    """What is sent when: of four batches one has no key, one is repeated, one is raced."""
    chance = random.Random(SEED)
    found: list[Sending] = []
    for number in range(BATCHES):
        at = FIRE_SECONDS * number / BATCHES
        kind = chance.choice(("keyless", "once", "repeated", "raced"))
        key = None if kind == "keyless" else f"under-fire-{number}"
        race = threading.Barrier(2) if kind == "raced" else None
        found += [Sending(number, key, at, race)] * (2 if race else 1)
        if kind == "repeated":
            later = (chance.uniform(at, FIRE_SECONDS) for _ in range(chance.randint(1, 3)))
            found += [Sending(number, key, moment) for moment in later]
    return sorted(found, key=lambda sending: sending.at)


def send(client: httpx.Client, sending: Sending, started: float) -> str:
    """Send a batch at its time; returns the id it is answered with."""
    time.sleep(max(0.0, started + sending.at - time.monotonic()))
    if sending.race is not None:
        sending.race.wait(timeout=10)
    answer = client.post(
        "/insert_rows/hired_employees",
        json={"rows": rows(sending.number)},
        headers={"Idempotency-Key": sending.key} if sending.key else {},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == ROWS - BAD_ROWS
    return str(answer.json()["batch_id"])


def send_all(operator: Operator, sendings: list[Sending]) -> dict[int, str]:
    """Send everything, each at its time; returns each batch's id, the same at every sending."""
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        ids = list(pool.map(lambda sending: send(operator.api, sending, started), sendings))
    found: dict[int, str] = {}
    for sending, batch_id in zip(sendings, ids, strict=True):
        assert found.setdefault(sending.number, batch_id) == batch_id
    return found


def test_every_accepted_row_is_stored_once(operator: Operator, tell: Callable[[str], None]) -> None:
    sendings = plan()

    started = time.monotonic()
    with Fire(operator.platform) as fire:
        ids = send_all(operator, sendings)
    ceased = time.monotonic()
    finished = "select count(*) from loads where kind = 'batch' and state <> 'loading'"
    wait_until(lambda: operator.count(finished) == BATCHES, "stored", REST_SECONDS)
    rested = time.monotonic()

    check_ledger(operator, ids)
    check_rows(operator, ids)
    assert operator.count("select count(*) from replaced_rows") == 0
    failed = failed_pushes(operator.platform)
    assert fire.kills >= FIRE_SECONDS / 2
    assert failed.total() > 0
    tell(
        f"{len(sendings)} calls from {CLIENTS} clients in {ceased - started:.0f} s brought"
        f" {BATCHES} batches of {ROWS} rows, {BAD_ROWS} of them bad"
        f"\nstore_rows was killed {fire.kills} times, {failed.total()} pushes failed,"
        f" {failed.total() - failed[NOBODY_THERE]} of them cut off on their way,"
        f" all was stored {rested - ceased:.0f} s after the last kill"
        f"\n{BATCHES * (ROWS - BAD_ROWS):,} rows stored once,"
        f" {BATCHES * BAD_ROWS} kept with their reason, {BATCHES} ledger entries add up"
    )


def check_ledger(operator: Operator, ids: dict[int, str]) -> None:
    """One entry a batch, and its counts are what was sent."""
    parts = ("inserted", "updated", "unchanged", "superseded", "waiting", "rejected")
    loads = operator.ask("select * from loads where kind = 'batch'")
    assert sorted(load["source"] for load in loads) == sorted(ids.values())
    for load in loads:
        assert load["state"] == "done", load["error"]
        assert load["rows_read"] == ROWS == sum(load[part] for part in parts)
        assert (load["inserted"], load["rejected"]) == (ROWS - BAD_ROWS, BAD_ROWS)


def check_rows(operator: Operator, ids: dict[int, str]) -> None:
    """The table has the good rows of each batch and the rejects the bad ones, word for word."""
    good = operator.ask(STORED)
    bad = operator.ask(
        "select l.source, array_agg(r.position order by r.position) as positions"
        " from rejected_rows r join loads l using (load_id) group by l.source"
    )
    firsts = {ids[number]: 1 + number * ROWS for number in range(BATCHES)}
    assert {row["source"]: (row["first"], row["last"], row["rows"]) for row in good} == {
        batch_id: (first, first + ROWS - BAD_ROWS - 1, ROWS - BAD_ROWS)
        for batch_id, first in firsts.items()
    }
    assert all(row["as_sent"] for row in good)
    assert {row["source"] for row in bad} == set(firsts)
    assert all(row["positions"] == list(range(ROWS - BAD_ROWS, ROWS)) for row in bad)


def failed_pushes(platform: Platform) -> Counter[str]:
    """How many deliveries of batches did not get through, by reason."""
    told = (platform.home.logs / "pubsub.log").read_text().splitlines()
    failed = [json.loads(line) for line in told if '"push failed"' in line]
    return Counter(entry["reason"] for entry in failed if "row-batches" in entry["subscription"])
