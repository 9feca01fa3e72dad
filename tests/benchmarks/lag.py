"""How long after its commit in PostgreSQL a batch can be seen in BigQuery.

    python -m tests.benchmarks.lag [SECONDS]

Twenty batches a second go the whole way: insert_rows, Pub/Sub, store_rows, the load, table-changed,
sync_warehouse. A thread polls BigQuery and notes when the rows of each batch are there.
"""

import statistics
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from tests.support import hires
from tests.support.operator import Operator
from tests.support.platform import running

BATCHES_A_SECOND = 20
ROWS_A_BATCH = 50
POLL_SECONDS = 0.1
SENDERS = 6


def main() -> None:
    """Run and print."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with running() as platform:
        operator = Operator(platform)
        try:
            for table, text in hires.parents().items():
                operator.dropped(f"{table}.csv", text)
            operator.synced()
            measure(operator, seconds)
        finally:
            operator.close()


def measure(operator: Operator, seconds: int) -> None:
    """Send batches, wait for them in BigQuery, and print how long they took."""
    seen: dict[str, datetime] = {}
    sent: dict[str, datetime] = {}
    stop = threading.Event()
    polling = threading.Thread(target=poll, args=(operator, seen, stop))
    polling.start()
    started = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        for number in range(seconds * BATCHES_A_SECOND):
            time.sleep(max(0.0, started + number / BATCHES_A_SECOND - time.perf_counter()))
            pool.submit(send, operator, number, sent)
    took = time.perf_counter() - started
    operator.synced()
    time.sleep(5 * POLL_SECONDS)
    stop.set()
    polling.join()
    report(operator, sent, seen, took)


def send(operator: Operator, number: int, sent: dict[str, datetime]) -> None:
    """Send a batch of new hires."""
    moment = datetime.now(UTC)
    answer = operator.api.post("/insert_rows/hired_employees", json={"rows": rows(number)})
    answer.raise_for_status()
    sent[answer.json()["batch_id"]] = moment


def rows(number: int) -> list[dict[str, Any]]:
    """The rows of a batch, with ids that no other batch has."""
    return [
        {
            "id": 1 + number * ROWS_A_BATCH + i,
            "name": f"Given{i} Family{number}",
            "datetime": f"2021-{i % 12 + 1:02}-{number % 28 + 1:02}T12:00:00Z",
            "department_id": i % hires.DEPARTMENTS + 1,
            "job_id": i % hires.JOBS + 1,
        }
        for i in range(ROWS_A_BATCH)
    ]


def poll(operator: Operator, seen: dict[str, datetime], stop: threading.Event) -> None:
    """Note when all rows of each load are first seen."""
    query = f"select load_id, count(*) as found from `{operator.dataset}.fact_hires` group by 1"
    while not stop.wait(POLL_SECONDS):
        found = list(operator.bigquery.query(query).result())
        moment = datetime.now(UTC)
        for row in found:
            if row.found == ROWS_A_BATCH:
                seen.setdefault(row.load_id, moment)


def report(
    operator: Operator, sent: dict[str, datetime], seen: dict[str, datetime], took: float
) -> None:
    """Print the results; every batch must have been seen."""
    loads = operator.ask(
        "select load_id, source, finished_at from loads where kind = 'batch' order by finished_at"
    )
    assert len(loads) == len(sent)
    lags = [(seen[str(one["load_id"])] - one["finished_at"]).total_seconds() for one in loads]
    totals = [(seen[str(one["load_id"])] - sent[one["source"]]).total_seconds() for one in loads]
    syncs = operator.count("select count(distinct synced_at) from loads where kind = 'batch'")
    print(f"batches of {ROWS_A_BATCH} rows                {len(loads):>8,}")
    print(f"sent                              {len(loads) / took:>8.1f} batches/s")
    print(f"syncs                             {syncs:>8,}")
    print(f"commit to seen in BigQuery, p50   {quantile(lags, 50):>8.2f} s")
    print(f"commit to seen in BigQuery, p95   {quantile(lags, 95):>8.2f} s")
    print(f"commit to seen in BigQuery, max   {max(lags):>8.2f} s")
    print(f"call to seen in BigQuery, p95     {quantile(totals, 95):>8.2f} s")


def quantile(values: Sequence[float], percent: int) -> float:
    """A percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
