"""Backups and restores in processes of their own, to be killed.

They are forked off a server that has everything imported: it is the work that is to be cut off, not
the imports.
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
    """What a process does.

    Attributes:
        what: a backup of the table, or a restore of its latest one.
        table_name: the table.
        database_url: where it is.
        bucket: where its backups are.
        endpoint: of Cloud Storage.
    """

    what: Literal["backup", "restore"]
    table_name: str
    database_url: str
    bucket: str
    endpoint: str


def run(work: Work, kill_after: float | None = None) -> tuple[int | None, float]:
    """Do it in a process, killed after some seconds; gives exit code and how long it worked."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_work, args=(work, theirs))
    process.start()
    assert ours.poll(30)
    ours.recv()
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
