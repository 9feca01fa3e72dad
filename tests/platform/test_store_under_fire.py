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
KILLING_SECONDS, SETTLING_SECONDS = 20.0, 60.0
SEED = 20210727
NOT_LISTENING = "ClientConnectorError"
# Ids are unique by the table's key: first, last and count show that no row is missing.
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
class BatchRequest:
    """One request with a batch.

    Attributes:
        number: which batch.
        key: its Idempotency-Key, or None.
        at: seconds from the start.
        race: a barrier for two copies that are sent at the same moment, or None.
    """

    number: int
    key: str | None
    at: float
    race: threading.Barrier | None = None


@dataclass
class Killer:
    """Kills store_rows once a second while it is entered.

    Attributes:
        kills: how many kills hit a process; most kill only the worker, which restarts quickly.
    """

    platform: Platform
    kills: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Killer":
        self._thread = threading.Thread(target=self._keep_killing)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep_killing(self) -> None:
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
    """An operator of a platform with departments and jobs."""
    with running() as platform:
        made = Operator(platform)
        for table, text in hires.parents().items():
            made.dropped(f"{table}.csv", text)
        yield made
        made.close()


def rows(number: int) -> list[dict[str, object]]:
    """The rows of a batch, which are in no other batch; the last ones lack a name."""
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


def plan() -> list[BatchRequest]:
    """The requests in order: about a quarter of the batches without a key, repeated, or raced."""
    chance = random.Random(SEED)
    found: list[BatchRequest] = []
    for number in range(BATCHES):
        at = KILLING_SECONDS * number / BATCHES
        kind = chance.choice(("keyless", "once", "repeated", "raced"))
        key = None if kind == "keyless" else f"under-fire-{number}"
        race = threading.Barrier(2) if kind == "raced" else None
        found += [BatchRequest(number, key, at, race)] * (2 if race else 1)
        if kind == "repeated":
            later = (chance.uniform(at, KILLING_SECONDS) for _ in range(chance.randint(1, 3)))
            found += [BatchRequest(number, key, moment) for moment in later]
    return sorted(found, key=lambda request: request.at)


def send(client: httpx.Client, request: BatchRequest, started: float) -> str:
    """Send a batch at its time; returns its batch id."""
    time.sleep(max(0.0, started + request.at - time.monotonic()))
    if request.race is not None:
        request.race.wait(timeout=10)
    answer = client.post(
        "/insert_rows/hired_employees",
        json={"rows": rows(request.number)},
        headers={"Idempotency-Key": request.key} if request.key else {},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == ROWS - BAD_ROWS
    return str(answer.json()["batch_id"])


def send_all(operator: Operator, requests: list[BatchRequest]) -> dict[int, str]:
    """Send every request at its time; returns each batch's id, the same for every request."""
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        ids = list(pool.map(lambda request: send(operator.api, request, started), requests))
    found: dict[int, str] = {}
    for request, batch_id in zip(requests, ids, strict=True):
        assert found.setdefault(request.number, batch_id) == batch_id
    return found


def test_every_accepted_row_is_stored_once(operator: Operator, tell: Callable[[str], None]) -> None:
    requests = plan()

    started = time.monotonic()
    with Killer(operator.platform) as killer:
        ids = send_all(operator, requests)
        # On a busy machine, what was killed takes longer to come back.
        wait_until(lambda: killer.kills >= KILLING_SECONDS / 2, "killed often enough")
    last_kill = time.monotonic()
    finished = "select count(*) from loads where kind = 'batch' and state <> 'loading'"
    wait_until(lambda: operator.count(finished) == BATCHES, "stored", SETTLING_SECONDS)
    settled = time.monotonic()

    check_ledger(operator, ids)
    check_rows(operator, ids)
    assert operator.count("select count(*) from row_versions") == 0
    failed = failed_pushes(operator.platform)
    assert failed.total() > 0
    tell(
        f"{len(requests)} requests from {CLIENTS} clients in {last_kill - started:.0f} s sent"
        f" {BATCHES} batches of {ROWS} rows, {BAD_ROWS} of them bad"
        f"\nstore_rows was killed {killer.kills} times, {failed.total()} pushes failed,"
        f" {failed.total() - failed[NOT_LISTENING]} of them interrupted,"
        f" all was stored {settled - last_kill:.0f} s after the last kill"
        f"\n{BATCHES * (ROWS - BAD_ROWS):,} rows stored once,"
        f" {BATCHES * BAD_ROWS} rejected with their reason, {BATCHES} correct ledger entries"
    )


def check_ledger(operator: Operator, ids: dict[int, str]) -> None:
    """Each batch has one entry, whose counts are those of the batch."""
    parts = ("inserted", "updated", "unchanged", "superseded", "waiting", "rejected")
    loads = operator.ask("select * from loads where kind = 'batch'")
    assert sorted(load["source"] for load in loads) == sorted(ids.values())
    for load in loads:
        assert load["state"] == "done", load["error"]
        assert load["rows_read"] == ROWS == sum(load[part] for part in parts)
        assert (load["inserted"], load["rejected"]) == (ROWS - BAD_ROWS, BAD_ROWS)


def check_rows(operator: Operator, ids: dict[int, str]) -> None:
    """The table has exactly the valid rows of each batch, and the rejects exactly the others."""
    stored = operator.ask(STORED)
    rejected = operator.ask(
        "select l.source, array_agg(r.position order by r.position) as positions"
        " from rejected_rows r join loads l using (load_id) group by l.source"
    )
    firsts = {ids[number]: 1 + number * ROWS for number in range(BATCHES)}
    assert {row["source"]: (row["first"], row["last"], row["rows"]) for row in stored} == {
        batch_id: (first, first + ROWS - BAD_ROWS - 1, ROWS - BAD_ROWS)
        for batch_id, first in firsts.items()
    }
    assert all(row["as_sent"] for row in stored)
    assert {row["source"] for row in rejected} == set(firsts)
    assert all(row["positions"] == list(range(ROWS - BAD_ROWS, ROWS)) for row in rejected)


def failed_pushes(platform: Platform) -> Counter[str]:
    """How many pushes of batches failed, by reason."""
    logged = (platform.home.logs / "pubsub.log").read_text().splitlines()
    failed = [json.loads(line) for line in logged if '"push failed"' in line]
    return Counter(entry["reason"] for entry in failed if "row-batches" in entry["subscription"])
