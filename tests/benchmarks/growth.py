"""How time, CPU time and peak memory of each job grow with the number of rows.

    python -m tests.benchmarks.growth [ROWS ...] [--picture PATH]

The jobs, in this order for each size: a file of hires dropped into the empty table, the sync of its
rows to BigQuery, reconcile, a backup of the table, and its restore (mode `replace`) after the table
was emptied, so that every row is written. Only one job runs at a time: otherwise this process holds
the lock of syncs.

Time is wall time: of the file from its upload to its finished ledger entry and its move to the
processed bucket, of the sync from the message until the ledger says that all is synced, of the
others that of the call. CPU time and memory are those of the function's processes; PostgreSQL and
the stand-ins for BigQuery, Pub/Sub and Cloud Storage are not counted. Memory is the peak of the
largest process. A small table goes through all jobs first, so that imports are not counted. Sizes
up to MOST_ROWS_IN_ROUNDS are measured ROUNDS times: medians of time and CPU time, the largest peak.
The smallest CPU time that Linux tells apart is a hundredth of a second.

A job that fails, or takes longer than its function may on Google Cloud, is reported and left out,
with those that need its result. What was left unfinished may still run beside the jobs after it.

The exponent is the slope of log(quantity) on log(rows), by least squares, over the sizes from
FIT_FROM rows, or over the two largest if fewer than two are that large. Below that, the fixed cost
of a call (connections, queries, requests) dominates, and restores of fewer than 50,000 rows check
foreign keys row by row. `last step` is the slope between the two
largest sizes only, where the fixed cost counts least.

Ends with 1 if an exponent of time or CPU time is above MOST_EXPONENT (n log n has 1.07 from 100
thousand to 10 million rows), if a job's memory grows by more than MOST_MEMORY_GROWTH between the
two largest sizes (its buffers are not full before), or if it was measured at fewer than two sizes.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import sqlalchemy as sa
from google.api_core.exceptions import GoogleAPIError

from infra import functions
from shared.errors import TablegateError
from shared.warehouse import lock
from tests.benchmarks import usage
from tests.benchmarks.growth_picture import Panel, picture
from tests.support import clients, hires
from tests.support.operator import Operator
from tests.support.platform import running

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
WARM_UP_ROWS = 1_000
ROUNDS, MOST_ROWS_IN_ROUNDS = 3, 100_000
FIT_FROM = 100_000
MOST_EXPONENT = 1.1
MOST_MEMORY_GROWTH = 0.2
TABLE = "hired_employees"
QUANTITIES = {"seconds": "time", "cpu_seconds": "CPU time", "peak_mb": "peak memory"}
LEAST_CPU_SECONDS = 0.01
LIMITS = {one.name: one.limits.timeout_seconds for one in functions.read()}


@dataclass(frozen=True)
class Job:
    """Something to measure.

    Attributes:
        name: its name in tables and the picture.
        function: the function that does it.
        act: does it for a file of that many rows; returns the seconds it took.
        needs: the name of the job whose result it needs, or "".
        alone: whether syncs must not run meanwhile.
    """

    name: str
    function: str
    act: Callable[[Operator, Path, int], float]
    needs: str = ""
    alone: bool = True


@dataclass(frozen=True)
class Usage:
    """What a job used."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


class Failure(Exception):
    """A job that was not done; the text says why."""


# An AssertionError is a wait that was too long; a process is gone if its function was restarted.
FAILURES = (
    Failure,
    TablegateError,
    GoogleAPIError,
    sa.exc.SQLAlchemyError,
    httpx.HTTPError,
    psutil.Error,
    OSError,
    AssertionError,
)
# By job and size.
Results = Mapping[str, Mapping[int, Usage]]


def main() -> int:
    """Run, print, and draw; returns the exit code."""
    options = parsed()
    with running() as platform, tempfile.TemporaryDirectory() as folder:
        operator = Operator(platform)
        try:
            for table, text in hires.parents().items():
                operator.dropped(f"{table}.csv", text)
            operator.synced()
            cycle(operator, Path(folder), WARM_UP_ROWS)
            results = measure(operator, Path(folder), sorted(set(options.rows)))
        finally:
            operator.close()
    faults = report(results)
    if options.picture:
        element = picture("Time, CPU time and peak memory of each job, by rows", panels(results))
        ET.indent(element)
        options.picture.write_bytes(ET.tostring(element, encoding="utf-8") + b"\n")
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


def parsed() -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=int, nargs="*", default=SIZES, help="numbers of rows")
    parser.add_argument("--picture", type=Path, metavar="PATH", help="draw the results as SVG")
    options = parser.parse_args()
    if len(set(options.rows)) < 2 or min(options.rows) < 1:
        parser.error("growth needs at least two sizes above 0")
    return options


def measure(operator: Operator, folder: Path, sizes: Sequence[int]) -> Results:
    """Measure every job at every size, and print each."""
    print(f"{'job':<10} {'rows':>12} {'seconds':>9} {'CPU s':>9} {'peak MB':>8}")
    results: dict[str, dict[int, Usage]] = {job.name: {} for job in JOBS}
    for rows in sizes:
        rounds = [
            cycle(operator, folder, rows)
            for _ in range(ROUNDS if rows <= MOST_ROWS_IN_ROUNDS else 1)
        ]
        for job in JOBS:
            found = [one[job.name] for one in rounds]
            if failure := next((one for one in found if isinstance(one, Failure)), None):
                print(f"{job.name:<10} {rows:>12,} not measured: {failure}", flush=True)
                continue
            used = summary([one for one in found if isinstance(one, Usage)])
            results[job.name][rows] = used
            print(
                f"{job.name:<10} {rows:>12,} {used.seconds:>9.2f} {used.cpu_seconds:>9.2f}"
                f" {used.peak_mb:>8,.0f}",
                flush=True,
            )
    return results


def summary(found: Sequence[Usage]) -> Usage:
    """What a job used in several rounds."""
    return Usage(
        statistics.median(one.seconds for one in found),
        statistics.median(one.cpu_seconds for one in found),
        max(one.peak_mb for one in found),
    )


def cycle(operator: Operator, folder: Path, rows: int) -> dict[str, Usage | Failure]:
    """Do every job once with that many rows; returns what each used, by its name."""
    path = folder / f"{rows}.csv"
    if not path.exists():
        hires.write(path, rows)
    try:
        with syncs_held(operator):
            clear(operator)
    except FAILURES as error:
        return {job.name: failure_of(error) for job in JOBS}
    found: dict[str, Usage | Failure] = {}
    for job in JOBS:
        if isinstance(found.get(job.needs), Failure):
            found[job.name] = Failure(f"it needs the {job.needs}")
            continue
        try:
            if job.alone:
                with syncs_held(operator):
                    found[job.name] = used_by(operator, job, path, rows)
            else:
                found[job.name] = used_by(operator, job, path, rows)
        except FAILURES as error:
            found[job.name] = failure_of(error)
    return found


def failure_of(error: BaseException) -> Failure:
    """What is reported of an error."""
    if isinstance(error, Failure):
        return error
    return Failure(f"{type(error).__name__}: {error}"[:300])


def used_by(operator: Operator, job: Job, path: Path, rows: int) -> Usage:
    """Do a job once."""
    platform = operator.platform
    # The writes of the job before it would otherwise be flushed at this one's expense.
    with operator.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("checkpoint")
    process_id = platform.part(job.function).pid
    usage.reset_peak_memory(platform, job.function)
    before = usage.cpu_seconds(platform, job.function)
    seconds = job.act(operator, path, rows)
    if platform.part(job.function).pid != process_id:
        raise Failure(f"{job.function} was restarted meanwhile")
    used = usage.cpu_seconds(platform, job.function) - before
    peak_mb = usage.peak_memory(platform, job.function) / 1e6
    return Usage(seconds, max(used, LEAST_CPU_SECONDS), peak_mb)


@contextmanager
def syncs_held(operator: Operator) -> Iterator[None]:
    """Let no sync run inside: those that are asked for leave the work to the next one."""
    with lock.hold(operator.engine, LIMITS["sync_warehouse"]) as held:
        if held is None:
            raise Failure("a sync is still running")
        yield


def clear(operator: Operator) -> None:
    """Delete hires and loads on both sides; departments and jobs stay."""
    with operator.engine.begin() as connection:
        connection.exec_driver_sql(f"truncate {TABLE}, loads, rejected_rows, row_versions")
    for table in ("fact_hires", "loads", "load_rejects"):
        operator.bigquery.query(f"delete from `{operator.dataset}.{table}` where true").result()


def ingest(operator: Operator, path: Path, rows: int) -> float:
    """Drop the file, and wait until it is loaded and archived."""
    name = f"{TABLE}-{time.time_ns()}.csv"
    bucket = operator.names["uploads"]
    blob = operator.storage.bucket(bucket).blob(name)
    blob.upload_from_filename(path)
    started = time.perf_counter()
    entry = operator.loaded(f"gs://{bucket}/{name}#{blob.generation}", LIMITS["ingest_csv"])
    seconds = time.perf_counter() - started
    if (entry["state"], entry["inserted"]) != ("done", rows):
        raise Failure(f"the load is {entry['state']} with {entry['inserted']} rows inserted")
    return seconds


def sync(operator: Operator, path: Path, rows: int) -> float:
    """Publish that the table has changed, and wait until its load is synced."""
    log = operator.platform.home.logs / "sync_warehouse.log"
    read_bytes = log.stat().st_size
    given = operator.platform.description["pubsub"]
    publisher, subscriber = clients.of_pubsub(given["endpoint"], given["secret"])
    topic = f"projects/{given['project']}/topics/table-changed"
    started = time.perf_counter()
    publisher.publish(topic, b"{}", table=TABLE)
    while operator.count("select count(*) from loads where synced_at is null"):
        # Pub/Sub would deliver the message again, and time would count both attempts.
        if errors := errors_in(log, read_bytes):
            raise Failure(errors[0])
        if time.perf_counter() - started > LIMITS["sync_warehouse"]:
            raise Failure(f"not synced within {LIMITS['sync_warehouse']} s")
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    publisher.stop()
    publisher.transport.close()
    subscriber.close()
    if (found := operator.warehouse("fact_hires")) != rows:
        raise Failure(f"BigQuery has {found} rows")
    return seconds


def errors_in(log: Path, read_bytes: int) -> list[str]:
    """The errors that a function has logged since its log had that many bytes."""
    with log.open("rb") as stream:
        stream.seek(read_bytes)
        lines = [line for line in stream if b'"severity": "ERROR"' in line and line.endswith(b"\n")]
    entries = [json.loads(line[line.index(b"{") :]) for line in lines]
    return [f"{entry['message']}: {entry['error']}" for entry in entries if "error" in entry]


def reconcile(operator: Operator, path: Path, rows: int) -> float:
    """Compare both sides, as is done every night."""
    seconds, answer = called(operator, "/sync_warehouse/reconcile", {})
    counts = {one["table"]: one["rows"]["bigquery"] for one in answer["tables"]}
    if not answer["agrees"] or counts[TABLE] != rows:
        raise Failure(f"the sides differ: {json.dumps(answer)[:200]}")
    return seconds


def backup(operator: Operator, path: Path, rows: int) -> float:
    """Back the table up."""
    seconds, answer = called(operator, f"/backup_table/{TABLE}", None)
    if (answer["rows"], answer["verified"]) != (rows, True):
        raise Failure(f"the backup is {json.dumps(answer)[:200]}")
    return seconds


def restore(operator: Operator, path: Path, rows: int) -> float:
    """Restore the table, whose rows are gone, from its newest backup."""
    with operator.engine.begin() as connection:
        connection.exec_driver_sql(f"truncate {TABLE}")
    seconds, answer = called(operator, f"/restore_table/{TABLE}", {"backup": "latest"})
    if answer["inserted"]["count"] != rows:
        raise Failure(f"{answer['inserted']['count']} rows were restored")
    return seconds


def called(operator: Operator, path: str, body: dict[str, Any] | None) -> tuple[float, Any]:
    """Call the API; returns the seconds and the answer."""
    limit = LIMITS[path.split("/")[1]]
    started = time.perf_counter()
    answer = operator.api.post(path, json=body, timeout=limit)
    seconds = time.perf_counter() - started
    if not answer.is_success:
        raise Failure(f"{answer.status_code} {answer.text[:200]}")
    return seconds, answer.json()


JOBS = (
    Job("file", "ingest_csv", ingest),
    Job("sync", "sync_warehouse", sync, needs="file", alone=False),
    Job("reconcile", "sync_warehouse", reconcile, needs="sync", alone=False),
    Job("backup", "backup_table", backup, needs="file"),
    Job("restore", "restore_table", restore, needs="backup"),
)


def report(results: Results) -> list[str]:
    """Print exponents and the growth of memory; returns what exceeds its bound."""
    print(f"\n{'job':<10} {'quantity':<12} {'exponent':>9} {'last step':>10} {'growth':>8}")
    faults = []
    for name, by_size in results.items():
        sizes = sorted(by_size)
        if len(sizes) < 2:
            faults.append(f"{name} was measured at fewer than two sizes")
            continue
        fitted = [size for size in sizes if size >= FIT_FROM]
        for quantity, title in QUANTITIES.items():
            values = {size: getattr(used, quantity) for size, used in by_size.items()}
            found = slope(values, fitted if len(fitted) > 1 else sizes[-2:])
            growth = values[sizes[-1]] / values[sizes[-2]] - 1
            last = slope(values, sizes[-2:])
            print(f"{name:<10} {title:<12} {found:>9.2f} {last:>10.2f} {growth:>8.0%}")
            if quantity != "peak_mb" and found > MOST_EXPONENT:
                faults.append(f"{title} of {name} grows with exponent {found:.2f}")
            if quantity == "peak_mb" and growth > MOST_MEMORY_GROWTH:
                faults.append(f"{title} of {name} grows by {growth:.0%} from {sizes[-2]:,} rows")
    return faults


def panels(results: Results) -> list[Panel]:
    """What to draw: a panel for each quantity."""
    found = []
    for quantity, title in QUANTITIES.items():
        lines = {
            name: {size: getattr(used, quantity) for size, used in sorted(by_size.items())}
            for name, by_size in results.items()
            if by_size
        }
        unit = "MB" if quantity == "peak_mb" else "seconds"
        found.append(Panel(f"{title}, {unit}", lines, is_cost=quantity != "peak_mb"))
    return found


def slope(values: Mapping[int, float], sizes: Sequence[int]) -> float:
    """The slope of log(value) on log(rows), by least squares."""
    logs = [math.log(values[size]) for size in sizes]
    return statistics.linear_regression([math.log(size) for size in sizes], logs).slope


if __name__ == "__main__":
    sys.exit(main())
