"""Waits until the platform is idle: no messages, loads or syncs are pending."""

import sqlite3
import time
from contextlib import closing

from shared.errors import TablegateError
from tests.chaos.publishing import MARK, Duplicator, Publisher
from tests.support.operator import Operator

DEADLINE_SECONDS = 120.0
# The timer sweeps every five minutes; here we sweep sooner.
SWEEP_EVERY_SECONDS = 8.0
# The message of a sweep is dead-lettered after a few attempts; the next sweep does the same work.
_PENDING = """
    select s.name, count(*)
    from deliveries d
    join subscriptions s on s.number = d.subscription
    join messages m on m.id = d.message
    where s.name not like '%/dead-letters' or not instr(m.body, cast('sweep-to-' as blob))
    group by s.name
"""
_UNDER_WAY = """
    select
        (select count(*) from loads where synced_at is null) as unsynced,
        (select count(*) from loads where state = 'loading') as loading,
        (select count(*) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
                and state <> 'idle') as at_work,
        (select count(*) from pg_locks where locktype = 'advisory') as locks
"""


def settle(operator: Operator, duplicator: Duplicator, publisher: Publisher) -> str:
    """Wait until the platform is idle; sweep from time to time, as the timer does.

    Returns:
        What is still pending at the deadline; "" if nothing is.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    swept = time.monotonic()
    calm = 0
    while calm < 2:
        left = _left(operator, duplicator)
        calm = 0 if left else calm + 1
        if left and time.monotonic() > deadline:
            return left
        if left and time.monotonic() - swept > SWEEP_EVERY_SECONDS:
            publisher.publish("sweep", b"{}")
            swept = time.monotonic()
        time.sleep(0.15)
    return ""


def sweep(operator: Operator, duplicator: Duplicator, publisher: Publisher) -> str:
    """Sweep and settle again, to catch up on lost events."""
    publisher.publish("sweep", b"{}")
    return settle(operator, duplicator, publisher)


def _left(operator: Operator, duplicator: Duplicator) -> str:
    if not operator.platform.is_healthy():
        down = [part.name for part in operator.platform.status().parts if not part.is_well]
        return f"not ready: {', '.join(down)}"
    if not duplicator.is_idle:
        return "events will be delivered again"
    if pending := pending_messages(operator):
        return f"messages are pending: {pending}"
    try:
        if files := operator.objects("uploads"):
            return f"files in uploads: {sorted(files)[:5]}"
        (found,) = operator.ask(_UNDER_WAY)
    except (TablegateError, OSError, Exception) as error:  # noqa: BLE001 - a part that is down is not idle
        return f"{type(error).__name__}: {error}"
    under_way = {what: count for what, count in found.items() if count}
    return f"still running: {under_way}" if under_way else ""


def pending_messages(operator: Operator, *, dead: bool = False) -> dict[str, int]:
    """How many messages are pending for each subscription, or how many are dead letters."""
    path = operator.platform.home.pubsub
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as file:
        counts = {name.rpartition("/")[2]: count for name, count in file.execute(_PENDING)}
    return {
        name: count
        for name, count in counts.items()
        if not name.startswith(MARK) and (name == "dead-letters") == dead
    }
