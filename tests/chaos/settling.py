"""Waiting until the dust has settled: nothing is on its way any more."""

import sqlite3
import time
from contextlib import closing

from shared.errors import TablegateError
from tests.chaos.publishing import MARK, Doubler, Publisher
from tests.support.operator import Operator

LIMIT_SECONDS = 120.0
# The schedule's own sweep comes every five minutes; here it comes sooner.
SWEEP_EVERY_SECONDS = 8.0
# A sweep dies after a few attempts: the next one, minutes later, does the same.
_OWED = """
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


def settle(operator: Operator, doubler: Doubler, publisher: Publisher) -> str:
    """Wait until nothing is under way; sweep once in a while, as the timer does.

    Returns:
        What still is when the time is up; "" where nothing is.
    """
    limit = time.monotonic() + LIMIT_SECONDS
    swept = time.monotonic()
    calm = 0
    while calm < 2:
        left = _left(operator, doubler)
        calm = 0 if left else calm + 1
        if left and time.monotonic() > limit:
            return left
        if left and time.monotonic() - swept > SWEEP_EVERY_SECONDS:
            publisher.publish("sweep", b"{}")
            swept = time.monotonic()
        time.sleep(0.15)
    return ""


def sweep(operator: Operator, doubler: Doubler, publisher: Publisher) -> str:
    """Sweep, and settle again: what lost events have left undone is done."""
    publisher.publish("sweep", b"{}")
    return settle(operator, doubler, publisher)


def _left(operator: Operator, doubler: Doubler) -> str:
    if not operator.platform.is_healthy():
        down = [part.name for part in operator.platform.status().parts if not part.is_well]
        return f"not ready: {', '.join(down)}"
    if not doubler.is_idle:
        return "events are held to be delivered again"
    if owed := owed_messages(operator):
        return f"messages are owed: {owed}"
    try:
        if files := operator.objects("uploads"):
            return f"files lie in uploads: {sorted(files)[:5]}"
        (found,) = operator.ask(_UNDER_WAY)
    except (TablegateError, OSError, Exception) as fault:  # noqa: BLE001 - a part that is away is not calm
        return f"{type(fault).__name__}: {fault}"
    under_way = {what: count for what, count in found.items() if count}
    return f"under way: {under_way}" if under_way else ""


def owed_messages(operator: Operator, *, dead: bool = False) -> dict[str, int]:
    """How many messages each subscription is owed, or how many died."""
    path = operator.platform.home.pubsub
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as file:
        counts = {name.rpartition("/")[2]: count for name, count in file.execute(_OWED)}
    return {
        name: count
        for name, count in counts.items()
        if not name.startswith(MARK) and (name == "dead-letters") == dead
    }
