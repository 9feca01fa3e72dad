"""The demo: CSV files in, metrics out, through a platform on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local import layout as layouts
from infra.local import sample
from infra.local.environment import ROOT
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.next_steps import next_steps, shown
from infra.local.observed import Observer
from infra.local.status import running_status
from infra.local.tabular import table
from infra.progress import Progress

_START_SECONDS, _FLOW_SECONDS, _PARENT_SECONDS = 180.0, 180.0, 10.0
_SHOWN_ROWS = 10
_YEAR = 2021
_UPLOADS = "tablegate-uploads"


def run(home: Home, files: Path | None, *, keep: bool) -> int:
    """Send files through the platform of a home and print what comes out.

    Starts a platform when none runs, and stops it afterwards unless told to keep it.

    Raises:
        PlatformError: no files, no platform, or the files were not through in time.
    """
    with _platform(home, keep=keep) as description, _files(files) as paths:
        observer = Observer(description["database_url"])
        try:
            sources = _upload(description, observer, paths)
            loads = _follow(observer, sources)
            _report(description, observer, sources, loads)
        finally:
            observer.close()
    return 0


@contextmanager
def _platform(home: Home, *, keep: bool) -> Iterator[dict[str, Any]]:
    if home.is_home() and running_status(home):
        description = _description(home, None)
        yield description
        _say_next_steps(home, runs=True)
        return
    process = _start(home)
    stays = False
    try:
        description = _description(home, process)
        yield description
        stays = keep
    finally:
        if not stays:
            process.send_signal(signal.SIGTERM)
            process.wait()
    _say_next_steps(home, runs=stays)


def _say_next_steps(home: Home, *, runs: bool) -> None:
    elsewhere = "" if home.path == ROOT / ".local" else f" HOME_DIR={shown(home.path)}"
    if runs:
        print(f"\nThe platform is still running. `make down{elsewhere}` stops it.")
    else:
        print(f"\nThe platform has stopped. `make up{elsewhere}` starts it again, with this data.")
    print(next_steps(home, layouts.read(home)))
    print(f"  make demo{elsewhere} FILES=FOLDER    # your own CSV files")


def _start(home: Home) -> subprocess.Popen[bytes]:
    home.prepare()
    with (home.logs / "up.log").open("ab") as log:
        return subprocess.Popen(  # nosec B603 # this very program
            [sys.executable, "-m", "infra.local", "up", "--home", str(home.path)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _description(home: Home, process: subprocess.Popen[bytes] | None) -> dict[str, Any]:
    """platform.json, once it is there."""
    task = "Starting a platform" if process else "Waiting for the platform"
    progress = Progress(f"{task} on {shown(home.path)}")
    limit = time.monotonic() + _START_SECONDS
    # What a killed platform left may lie there still: it counts from the running one only.
    while not ((status := running_status(home)) and home.description.exists()):
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > limit:
            progress.end("failed")
            last = (home.logs / "up.log").read_text().strip().splitlines()[-1:]
            raise PlatformError(f"The platform did not start: {' '.join(last)}")
        if status:
            ready = sum(part.is_well for part in status.parts)
            progress.show(f"{ready} of {len(status.parts)} parts ready")
        time.sleep(0.1)
    progress.end("ready")
    return dict(json.loads(home.description.read_text()))


@contextmanager
def _files(folder: Path | None) -> Iterator[tuple[Path, ...]]:
    """The user's files, or the sample's; hires before their parents, to show rows that wait."""
    if folder is not None:
        found = sorted(path for path in folder.glob("*.csv*") if path.is_file())
        if not found:
            raise PlatformError(f"There is no CSV file in {folder}.")
        yield tuple(sorted(found, key=lambda path: not path.name.startswith("hired_employees")))
        return
    made = Path(tempfile.mkdtemp(prefix="tablegate-sample-"))
    try:
        yield sample.write(made)
    finally:
        shutil.rmtree(made)


def _upload(description: dict[str, Any], observer: Observer, paths: Sequence[Path]) -> list[str]:
    """Upload the files; returns the sources under which the ledger knows them.

    The second is dropped when the first is loaded, to show its rows waiting for their parents.
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
    limit = time.monotonic() + _PARENT_SECONDS
    while not _ended(observer.loads(sources)) and time.monotonic() < limit:
        time.sleep(0.1)
    print(f"  rows of it that wait for their parents: {observer.waiting()}", flush=True)


def _follow(observer: Observer, sources: Sequence[str]) -> list[list[Any]]:
    """Say what the ledger says while the events flow; returns its last word."""
    limit = time.monotonic() + _FLOW_SECONDS
    settled_since = 0.0
    said = ""
    while True:
        loads = observer.loads(sources)
        waiting = observer.waiting()
        line = _progress(loads, waiting, len(sources))
        if line != said:
            print(f"  {line}", flush=True)
            said = line
        through = _are_through(loads, len(sources))
        if through and not waiting:
            return loads
        # Rows whose parent is in no file keep waiting; report the others without them.
        settled_since = settled_since or time.monotonic() if through else 0.0
        if settled_since and time.monotonic() - settled_since > _PARENT_SECONDS:
            return loads
        if time.monotonic() > limit:
            raise PlatformError("The files are not through after 3 minutes; see `make status`.")
        time.sleep(0.1)


def _progress(loads: Sequence[Sequence[Any]], waiting: int, count: int) -> str:
    ended = _ended(loads)
    synced = sum(bool(load[9]) for load in loads)
    return (
        f"files loaded {ended}/{count}, rows waiting {waiting}, in the warehouse {synced}/{count}"
    )


def _ended(loads: Sequence[Sequence[Any]]) -> int:
    return sum(load[1] in ("done", "failed") for load in loads)


def _are_through(loads: Sequence[Sequence[Any]], count: int) -> bool:
    return len(loads) == count and all(
        load[1] == "failed" or (load[1] == "done" and load[9]) for load in loads
    )


def _report(
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
    _metric(description, "hires_by_quarter", _SHOWN_ROWS)
    _metric(description, "departments_above_mean", None)


def _metric(description: dict[str, Any], name: str, shown: int | None) -> None:
    answer = _ask(f"{description['gateway']}/{name}?year={_YEAR}", description["token"])
    rows = answer["rows"]
    mean = f", mean {answer['mean']:.2f}" if "mean" in answer else ""
    print(f"\n{name} {_YEAR}{mean}: {len(rows)} rows" + (f", the first {shown}" if shown else ""))
    if rows:
        heads = tuple(rows[0])
        print(table(heads, [[row[head] for head in heads] for row in rows[:shown]]))


def _ask(url: str, token: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"X-Token": token})  # noqa: S310 - our gateway
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # nosec B310 # an http address of ours
            return dict(json.load(answer))
    except urllib.error.HTTPError as answer:
        raise PlatformError(f"{url} answered {answer.code}: {answer.read().decode()}") from answer
