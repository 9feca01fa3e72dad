"""Concurrent deliveries of one source: exactly one claims it in the ledger."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shared.database.engine import transaction
from shared.errors import TablegateError
from shared.loading import ledger
from shared.loading.ledger import Source

DELIVERIES, SOURCES = 6, 150


@pytest.fixture
def delivered(engine):
    """Runs a ledger call for each source in several threads at once; returns the results."""

    def act(do: Callable[..., object]) -> list[list[object]]:
        barrier = threading.Barrier(DELIVERIES)

        def once(number):
            source = Source(f"gs://uploads/jobs.csv#{number}", "file", "jobs", datetime.now(UTC))
            barrier.wait(timeout=20)
            try:
                with transaction(engine) as connection:
                    return do(connection, source)
            except TablegateError as error:
                return str(error)

        with ThreadPoolExecutor(DELIVERIES) as pool:
            deliveries = [
                pool.submit(lambda: [once(number) for number in range(SOURCES)])
                for _ in range(DELIVERIES)
            ]
            return [list(one) for one in zip(*(d.result() for d in deliveries), strict=True)]

    return act


def test_concurrent_deliveries_of_one_source_do_not_fail(delivered):
    # One in a hundred used to fail: load_id is unique too, and a conflict on it was an error.
    found = delivered(lambda connection, source: bool(ledger.claim(connection, source)))

    assert [sorted(map(str, one)) for one in found] == [
        ["False"] * (DELIVERIES - 1) + ["True"]
    ] * SOURCES


def test_concurrently_recording_a_failure_of_one_source_does_not_fail(delivered, rows):
    error = {"code": "unknown_table"}

    found = delivered(lambda connection, source: ledger.fail(connection, source, error))

    assert found == [[None] * DELIVERIES] * SOURCES
    assert rows("select count(*), count(distinct source) from loads") == [(SOURCES, SOURCES)]
