"""A reject is closed once, whoever else closes or releases it at the same moment."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shared import tables
from shared.database.engine import transaction
from shared.loading import reject_queue
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.validation.csv_rows import blocks

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HIRES = tables.find("hired_employees")
CLOSE_BY_HAND = (
    "update rejected_rows set status = 'discarded' where reject_id = {};"
    "update loads set waiting = waiting - 1, rejected = rejected + 1"
)


@pytest.fixture
def waits(engine, rows):
    """Two rows that wait for their parents; gives the ids of their rejects."""
    text = "1,Ada,2021-01-01T00:00:00Z,1,1\n2,Bob,2021-01-01T00:00:00Z,1,1\n"
    source = Source("gs://uploads/hires#1", "file", "hired_employees", NOON)
    load(engine, source, lambda: blocks(HIRES, io.BytesIO(text.encode()), 1 << 20))
    return [number for (number,) in rows("select reject_id from rejected_rows order by 1")]


def test_a_waiting_row_that_two_sessions_discard_is_counted_as_rejected_once(
    engine, rows, waits, uncommitted, until_blocked
):
    first, second = waits
    with uncommitted(CLOSE_BY_HAND.format(first)) as other, ThreadPoolExecutor() as pool:
        discarding = pool.submit(reject_queue.discard, engine, waits)
        until_blocked()

        other.commit()

    outcome = discarding.result()
    assert (outcome.closed, outcome.not_open) == ([second], {first: "discarded"})
    assert rows("select waiting, rejected from loads") == [(0, 2)]


def test_a_row_that_is_released_meanwhile_is_not_discarded(
    engine, rows, waits, uncommitted, until_blocked
):
    first, second = waits
    release = (
        f"update rejected_rows set status = 'loaded' where reject_id = {first};"
        "update loads set waiting = waiting - 1, inserted = inserted + 1"
    )
    with uncommitted(release) as other, ThreadPoolExecutor() as pool:
        discarding = pool.submit(reject_queue.discard, engine, waits)
        until_blocked()

        other.commit()

    outcome = discarding.result()
    assert (outcome.closed, outcome.not_open) == ([second], {first: "loaded"})
    assert rows("select inserted, waiting, rejected from loads") == [(1, 0, 1)]


def test_rejects_are_locked_in_the_order_of_their_ids_so_that_two_calls_never_deadlock(
    engine, waits, uncommitted, until_blocked
):
    first, second = waits
    hold = "select from rejected_rows where reject_id = {} for update"
    with transaction(engine) as connection:
        # Now the first lies behind the second, in the order that PostgreSQL reads without being
        # asked.
        connection.exec_driver_sql(
            f"update rejected_rows set position = 1 where reject_id = {first};analyze rejected_rows"
        )
    with uncommitted(hold.format(first)) as other, ThreadPoolExecutor() as pool:
        discarding = pool.submit(reject_queue.discard, engine, [second, first])
        until_blocked()

        with transaction(engine) as third:
            third.exec_driver_sql(f"{hold.format(second)} nowait")
        other.rollback()

    assert discarding.result().closed == waits
