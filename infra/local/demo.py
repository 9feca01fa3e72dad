"""The demo: load CSV files into a platform on this machine, and print the metrics."""

import json
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local import sample
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.observed import Observer
from infra.local.tabular import table
from shared.metrics import all_metrics
from shared.metrics.metric import Metric

_LOAD_SECONDS, _PARENT_SECONDS = 180.0, 10.0
_SHOWN_ROWS = 10
_UPLOADS = "tablegate-uploads"


def run(home: Home, files: Path | None) -> None:
    """Load files into the platform that runs on a home, and print the results.

    Raises:
        PlatformError: there are no files, or they were not loaded in time.
    """
    description = json.loads(home.description.read_text())
    with _files(files) as paths:
        observer = Observer(description["database_url"])
        try:
            sources = _upload(description, observer, paths)
            loads = _follow(observer, sources)
            _print_report(description, observer, sources, loads)
        finally:
            observer.close()


@contextmanager
def _files(folder: Path | None) -> Iterator[tuple[Path, ...]]:
    """The user's files or the sample's, hires before their parents, to show rows that wait."""
    if folder is not None:
        found = sorted(path for path in folder.glob("*.csv*") if path.is_file())
        if not found:
            raise PlatformError(f"There is no CSV file in {folder}.")
        yield tuple(sorted(found, key=lambda path: not path.name.startswith("hired_employees")))
        return
    temporary = Path(tempfile.mkdtemp(prefix="tablegate-sample-"))
    try:
        yield sample.write(temporary)
    finally:
        shutil.rmtree(temporary)


def _upload(description: dict[str, Any], observer: Observer, paths: Sequence[Path]) -> list[str]:
    """Upload the files; returns their sources in the ledger.

    The second file is uploaded after the first is loaded, to show rows waiting for their parents.
    """
    os.environ["STORAGE_EMULATOR_HOST"] = description["storage"]["endpoint"]
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    client = Client(project="tablegate-local", credentials=AnonymousCredentials())
    bucket = client.bucket(description["storage"]["uploads"])
    sources = []
    for path in paths:
        blob = bucket.blob(path.name)
        blob.upload_from_filename(str(path), content_type="text/csv")
        sources.append(f"gs://{bucket.name}/{path.name}#{blob.generation}")
        print(f"  dropped {path.name} ({path.stat().st_size:,} bytes) in gs://{bucket.name}")
        if len(sources) == 1 < len(paths):
            _await_first(observer, sources)
    return sources


def _await_first(observer: Observer, sources: Sequence[str]) -> None:
    deadline = time.monotonic() + _PARENT_SECONDS
    while not _ended(observer.loads(sources)) and time.monotonic() < deadline:
        time.sleep(0.1)
    print(f"  rows waiting for their parents: {observer.waiting()}", flush=True)


def _follow(observer: Observer, sources: Sequence[str]) -> list[list[Any]]:
    """Print the progress until the files are loaded and synced; returns their ledger entries."""
    deadline = time.monotonic() + _LOAD_SECONDS
    complete_since = 0.0
    printed = ""
    while True:
        loads = observer.loads(sources)
        waiting = observer.waiting()
        line = _progress(loads, waiting, len(sources))
        if line != printed:
            print(f"  {line}", flush=True)
            printed = line
        complete = _are_complete(loads, len(sources))
        if complete and not waiting:
            return loads
        # Rows whose parent is in no file keep waiting; report the others without them.
        complete_since = complete_since or time.monotonic() if complete else 0.0
        if complete_since and time.monotonic() - complete_since > _PARENT_SECONDS:
            return loads
        if time.monotonic() > deadline:
            raise PlatformError(
                "The files are not loaded after 3 minutes; see `./tablegate status`."
            )
        time.sleep(0.1)


def _progress(loads: Sequence[Sequence[Any]], waiting: int, count: int) -> str:
    ended = _ended(loads)
    synced = sum(bool(load[9]) for load in loads)
    return (
        f"files loaded {ended}/{count}, rows waiting {waiting}, in the warehouse {synced}/{count}"
    )


def _ended(loads: Sequence[Sequence[Any]]) -> int:
    return sum(load[1] in ("done", "failed") for load in loads)


def _are_complete(loads: Sequence[Sequence[Any]], count: int) -> bool:
    return len(loads) == count and all(
        load[1] == "failed" or (load[1] == "done" and load[9]) for load in loads
    )


def _print_report(
    description: dict[str, Any],
    observer: Observer,
    sources: Sequence[str],
    loads: Sequence[Sequence[Any]],
) -> None:
    heads = ("file", "state", "read", "inserted", "updated", "unchanged", "waiting", "rejected")
    rows = [(load[0].split(f"{_UPLOADS}/")[-1].split("#")[0], *load[1:8]) for load in loads]
    print(f"\nLoads\n{table(heads, rows)}")
    for load in loads:
        if load[8]:
            print(f"  {load[0]}: {load[8]}")
    reasons = observer.reasons(sources)
    print(f"\nRejected rows, by reason\n{table(('table', 'reason', 'rows'), reasons)}")
    if example := observer.example(sources):
        name, position, raw, errors = example
        print(f"\n  one of them: {name}, line {position}\n    row    {raw}\n    errors {errors}")
    for metric in all_metrics().values():
        _print_metric(description, metric)


def _print_metric(description: dict[str, Any], metric: Metric) -> None:
    answer = _get(f"{description['gateway']}/{metric.name}", description["token"])
    rows, shown = answer["rows"], _SHOWN_ROWS
    first = f", the first {shown}" if len(rows) > shown else ""
    print(f"\n{metric.summed_up(answer)}: {len(rows)} rows{first}")
    if rows:
        heads = tuple(rows[0])
        print(table(heads, [[row[head] for head in heads] for row in rows[:shown]]))


def _get(url: str, token: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"X-Token": token})  # noqa: S310 - our gateway
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # nosec B310 # our gateway
            return dict(json.load(answer))
    except urllib.error.HTTPError as answer:
        raise PlatformError(f"{url} answered {answer.code}: {answer.read().decode()}") from answer
