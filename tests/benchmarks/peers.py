"""How fast other tools load the same file as Tablegate does, and what they make of its bad rows.

    python -m tests.benchmarks.peers [ROWS ...]

There is a file without bad rows, and one in which one row in twenty has no name. All write into the
same PostgreSQL: into an empty table with primary key, foreign keys and `not null`, unless the note
says otherwise. Rates are rows of the file, bad ones too, until all are committed. Tools in Python
run in environments of their own, and their time and CPU time begin after their imports; those of
command-line tools are of the whole process; Tablegate's time begins at the event of the file in the
bucket. CPU time and memory are the client's, not PostgreSQL's: of Tablegate, those of ingest_csv.
Memory is the largest process's. Each load happens once.
"""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from shared.database.engine import create
from shared.settings import read
from tests.benchmarks import client, ingest, postgres, usage
from tests.benchmarks.peer_programs import HIRES, PEERS, Peer
from tests.support import hires
from tests.support.platform import Platform, running

ROWS = 1_000_000
BAD_SHARES = (0.0, 0.05)
LIMIT_SECONDS = 600
NOTE_LETTERS = 140
HEAD = f"{'':23} {'rows':>10} {'bad':>4} {'rows/s':>9} {'good in':>10} {'bad kept':>9}"


@dataclass(frozen=True)
class File:
    """A file of hires.

    Attributes:
        path: where it is.
        rows: how many it has.
        bad_share: the share of them that has no name.
    """

    path: Path
    rows: int
    bad_share: float


@dataclass(frozen=True)
class Load:
    """What a load came to.

    Attributes:
        seconds: how long it took; None if it failed.
        good: how many good rows arrived.
        kept: how many bad rows it kept with a reason.
        cpu_seconds: of the client.
        peak_bytes: of the client's largest process.
        note: why it failed, and what else a reader has to know.
    """

    seconds: float | None
    good: int
    kept: int
    cpu_seconds: float
    peak_bytes: int
    note: str = ""


def main() -> None:
    """Run and print."""
    sizes = [int(argument) for argument in sys.argv[1:]] or [ROWS]
    # Else a file with many bad rows would fail.
    os.environ["MAX_REJECTS"] = str(max(sizes))
    with running() as platform, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        files = [
            File(hires.write(folder / f"{rows}-{share}.csv", rows, share), rows, share)
            for rows in sizes
            for share in BAD_SHARES
        ]
        engine = create(read({"DATABASE_URL": platform.database_url}))
        ingest.drop_parents(platform, engine)
        print(f"{HEAD} {'CPU s':>7} {'peak MB':>8}  note")
        for peer in PEERS:
            report_peer(platform, peer, files, folder)
        # Last, because the warehouse is filled afterwards, on the same cores.
        for file in files:
            report("Tablegate", file, by_tablegate(platform, engine, file))
        engine.dispose()


def report_peer(platform: Platform, peer: Peer, files: list[File], folder: Path) -> None:
    """Print how a peer loads each file."""
    if peer.missing():
        print(f"{peer.name:23} skipped: {peer.missing()}", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="tablegate-peer-", dir=folder) as home:
        peer.install(Path(home))
        for file in files:
            report(peer.name, file, by_peer(platform, peer, file, Path(home)))


def report(name: str, file: File, load: Load) -> None:
    """Print what a load came to."""
    rate = f"{file.rows / load.seconds:,.0f}" if load.seconds else "-"
    print(
        f"{name:23} {file.rows:>10,} {file.bad_share:>4.0%} {rate:>9} {load.good:>10,}"
        f" {load.kept:>9,} {load.cpu_seconds:>7.1f} {load.peak_bytes / 1e6:>8,.0f}  {load.note}",
        flush=True,
    )


def by_peer(platform: Platform, peer: Peer, file: File, home: Path) -> Load:
    """Load a file with a peer, into a database of its own."""
    with (
        postgres.constrained(platform.database_url) as url,
        tempfile.TemporaryDirectory(dir=home) as folder,
    ):
        command = peer.line(url, file.path, Path(folder))
        done = client.run(command, Path(folder), LIMIT_SECONDS)
        engine = create(read({"DATABASE_URL": url}))
        good, bad = arrived(engine, peer.table)
        engine.dispose()
        kept = peer.kept(Path(folder))
    seconds, cpu_seconds, notes = done.seconds, done.cpu_seconds, [peer.note]
    for line in done.printed.splitlines():
        if line.startswith("measured "):
            seconds, cpu_seconds = map(float, line.split()[1:])
    if bad:
        notes.append(f"{bad:,} bad rows in, too")
    if done.status is None:
        notes.append(f"stopped after {LIMIT_SECONDS} s")
    elif done.status:
        notes.append(complaint(done.printed))
    return Load(
        None if done.status != 0 else seconds,
        good,
        kept,
        cpu_seconds,
        done.peak_bytes,
        "; ".join(note for note in notes if note),
    )


def by_tablegate(platform: Platform, engine: sa.Engine, file: File) -> Load:
    """Load a file by dropping it into the bucket."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As dropping the last peer's database does.
        connection.exec_driver_sql("checkpoint")
    usage.reset_peak_memory(platform, ingest.FUNCTION)
    before = usage.cpu_seconds(platform, ingest.FUNCTION)
    seconds, note = None, ""
    try:
        seconds = ingest.ingest(platform, engine, file.path)
    except TimeoutError:
        note = f"stopped after {LIMIT_SECONDS} s"
    spent = usage.cpu_seconds(platform, ingest.FUNCTION) - before
    good, _ = arrived(engine, HIRES)
    with engine.connect() as connection:
        kept = connection.scalar(sa.text("select count(*) from rejected_rows")) or 0
    peak = usage.peak_memory(platform, ingest.FUNCTION)
    return Load(seconds, good, kept, spent, peak, note)


def arrived(engine: sa.Engine, table: str) -> tuple[int, int]:
    """How many rows with and without a name a table has; none if there is no such table."""
    question = (
        "select count(*) filter (where length(name) > 0), count(*) filter (where name is null"
        f" or name = '') from {table}"
    )
    with engine.connect() as connection:
        if not connection.scalar(sa.text("select to_regclass(:name)"), {"name": table}):
            return 0, 0
        good, bad = connection.execute(sa.text(question)).one()
    return good, bad


def complaint(printed: str) -> str:
    """The first line of an error."""
    lines = printed.splitlines()
    found = [line for line in lines if line.startswith("failed ") or "ERROR" in line] or lines
    return " ".join(next(iter(found), "").removeprefix("failed ").split())[:NOTE_LETTERS]


if __name__ == "__main__":
    main()
