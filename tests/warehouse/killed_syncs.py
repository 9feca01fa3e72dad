"""Syncs that are killed, each in its own process: `python -m tests.warehouse.killed_syncs '{...}'`.

Each line of input starts one. A number N makes the sync kill itself at step N: there is a step
before each call to BigQuery, one before the loads are marked, and one at the end. An empty line
makes it sync again and again until it is killed. Prints the pid, then the signal that ended it.

All are forks of this process, which has imported everything and has no open connections.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from shared.database.engine import create
from shared.errors import TransientError
from shared.settings import read
from shared.storage import ObjectStore
from shared.warehouse.names import Names
from shared.warehouse.sync import Sync
from tests.support import clients
from tests.warehouse.hooked import HookedWarehouse


def main() -> None:
    """Start a sync for each line of input."""
    settings = json.loads(sys.argv[1])
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            # Drop its log lines: the test reads this process's output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            run(settings, int(line) if line.strip() else None)
            # Only the parent process may continue the loop.
            os._exit(0)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(settings: dict[str, Any], die_at: int | None) -> None:
    """Sync once if `die_at` is given, else forever."""
    steps = iter(range(die_at or 0, 0, -1))

    def step(*_: object) -> None:
        if next(steps, 0) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def step_before_marking(*given: object) -> None:
        if "update loads" in str(given[2]):
            step()

    sync = make(settings, step)
    sa.event.listen(sync.engine, "before_cursor_execute", step_before_marking)
    if die_at is not None:
        sync.run()
        step()
    while die_at is None:
        # A killed sync's statement may still be running in BigQuery, so retry as Pub/Sub does.
        with suppress(TransientError):
            sync.run()


def make(settings: dict[str, Any], step: Any) -> Sync:
    """A sync with a step before each call to BigQuery."""
    return Sync(
        create(read({"DATABASE_URL": settings["database_url"]})),
        HookedWarehouse(
            clients.of_bigquery(settings["bigquery"]), Names(*settings["names"]), before=step
        ),
        ObjectStore(clients.of_storage(settings["storage"])),
        settings["bucket"],
    )


if __name__ == "__main__":
    main()
