"""Syncs that are killed, each in a process of its own: `python -m tests.warehouse.forked '{...}'`.

Each line read starts one. A number makes it die by itself at that step: there is a step before each
call of BigQuery, one before the loads are marked, and one at the end. An empty line makes it sync
again and again until it is killed. Its process id is printed, and the signal that ended it.

All are copies of this process, which has imported everything and opened nothing.
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
from tests.warehouse.interposed import Interposed


def main() -> None:
    """Start a sync for each line read."""
    told = json.loads(sys.argv[1])
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            # Its log lines are nobody's; what is read is this process's output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            run(told, int(line) if line.strip() else None)
            # Not the way back into the loop: that is for the one process that forks.
            os._exit(0)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(told: dict[str, Any], die_at: int | None) -> None:
    """Sync once, or for ever."""
    steps = iter(range(die_at or 0, 0, -1))

    def step(*_: object) -> None:
        if next(steps, 0) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def step_before_marking(*given: object) -> None:
        if "update loads" in str(given[2]):
            step()

    sync = make(told, step)
    sa.event.listen(sync.engine, "before_cursor_execute", step_before_marking)
    if die_at is not None:
        sync.run()
        step()
    while die_at is None:
        # A killed sync's statement may still be under way in BigQuery: who delivers comes again.
        with suppress(TransientError):
            sync.run()


def make(told: dict[str, Any], step: Any) -> Sync:
    """What syncs, with a step before each call of BigQuery."""
    return Sync(
        create(read({"DATABASE_URL": told["database_url"]})),
        Interposed(clients.of_bigquery(told["bigquery"]), Names(*told["names"]), before=step),
        ObjectStore(clients.of_storage(told["storage"])),
        told["bucket"],
    )


if __name__ == "__main__":
    main()
