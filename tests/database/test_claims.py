"""One claim to each source, however many deliveries of it come at once."""

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
    """Does something with each source at the same moment, several times; gives what came of it."""

    def act(do: Callable[..., object]) -> list[list[object]]:
        together = threading.Barrier(DELIVERIES)

        def once(number):
            source = Source(f"gs://uploads/jobs.csv#{number}", "file", "jobs", datetime.now(UTC))
            together.wait(timeout=20)
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


def test_deliveries_of_one_source_at_the_same_moment_never_refuse_each_other(delivered):
    # They did, once in a hundred: the id is unique too, and whoever met it there was refused.
    found = delivered(lambda connection, source: bool(ledger.claim(connection, source)))

    assert [sorted(map(str, one)) for one in found] == [
        ["False"] * (DELIVERIES - 1) + ["True"]
    ] * SOURCES


def test_failures_of_one_source_at_the_same_moment_never_refuse_each_other(delivered, rows):
    error = {"code": "unknown_table"}

    found = delivered(lambda connection, source: ledger.fail(connection, source, error))

    assert found == [[None] * DELIVERIES] * SOURCES
    assert rows("select count(*), count(distinct source) from loads") == [(SOURCES, SOURCES)]
