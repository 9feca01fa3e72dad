"""Runs backups and restores in separate processes and kills them.

The processes are forked from a server that has already imported everything, so that the kill hits
the work and not the imports.
"""

import multiprocessing
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

from shared import tables
from shared.backups.backup import Backups
from shared.backups.restore import RestoreRequest, restore
from shared.database.engine import create
from shared.settings import read
from shared.storage import ObjectStore
from tests.support import clients

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Work:
    """The work of one process.

    Attributes:
        what: back up the table, or restore its latest backup.
        table_name: the table.
        database_url: the table's database.
        bucket: the bucket of its backups.
        endpoint: the URL of Cloud Storage.
    """

    what: Literal["backup", "restore"]
    table_name: str
    database_url: str
    bucket: str
    endpoint: str


def run(work: Work, kill_after: float | None = None) -> tuple[int | None, float]:
    """Run the work in a process, killed after some seconds; returns exit code and duration."""
    parent_end, child_end = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_work, args=(work, child_end))
    process.start()
    assert parent_end.poll(30)
    parent_end.recv()
    started = time.monotonic()
    process.join(kill_after)
    if process.is_alive():
        process.kill()
    process.join(30)
    return process.exitcode, time.monotonic() - started


KILLED = -signal.SIGKILL


def _work(work: Work, ready: Connection) -> None:
    settings = read({"DATABASE_URL": work.database_url, "BACKUPS_BUCKET": work.bucket})
    engine = create(settings)
    client: Any = clients.of_storage(work.endpoint)
    table = tables.find(work.table_name)
    backups = Backups(settings, engine, client)
    ready.send("ready")
    if work.what == "backup":
        backups.back_up([table], "")
        return
    manifest = backups.catalog.find(table.name, "latest")
    stored = ObjectStore(client).find(work.bucket, manifest.object)
    assert stored is not None
    restore(engine, client, RestoreRequest(table, stored, manifest), 30)
