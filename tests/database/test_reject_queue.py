"""Rejects are selected by any filters; each is closed once, whoever else closes it meanwhile."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import product

import pytest

from shared import tables
from shared.database.engine import transaction
from shared.loading import reject_queue
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.loading.reject_queue import Filters, Page
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
    with ThreadPoolExecutor() as pool, uncommitted(hold.format(first)) as other:
        discarding = pool.submit(reject_queue.discard, engine, [second, first])
        until_blocked()

        with transaction(engine) as third:
            third.exec_driver_sql(f"{hold.format(second)} nowait")
        other.rollback()

    assert discarding.result().closed == waits


SOURCES = ("gs://uploads/a.csv#1", "gs://uploads/a.csv#12", "gs://uploads/b.csv#1")


@pytest.fixture
def queue(engine, rows):
    """Rejects of all tables, sources, reasons and states; gives them as they are stored."""
    texts = {"jobs": "1\n2,Welder,x\n3,\n", "departments": "1\n,Sales\n"}
    for source, table in product(SOURCES, texts):
        stream = io.BytesIO(f"{texts[table]}9,Good\n".encode())
        found = blocks(tables.find(table), stream, 1 << 20)
        identity = source if table == "jobs" else source.replace("#", "#9")
        load(engine, Source(identity, "file", table, NOON), lambda f=found: f)
    with transaction(engine) as connection:
        # Now some lie behind newer ones, in the order that PostgreSQL reads without being asked.
        connection.exec_driver_sql(
            "update rejected_rows set status = 'discarded'"
            " where reject_id % 5 = 2 and status = 'rejected';"
            "update rejected_rows set position = position where reject_id % 4 = 1;"
            "analyze rejected_rows, loads"
        )
    return rows(
        "select reject_id, rejects.table_name, source, status, load_id, reason, position, raw"
        " from rejected_rows as rejects join loads using (load_id) order by reject_id"
    )


def test_every_combination_of_filters_selects_the_rejects_that_match_it(engine, queue):
    names, loads = [None, "jobs"], [None, queue[0][4]]
    sources = [None, "gs://uploads/a.csv", "gs://uploads/a.csv#1", "gs://uploads/a"]
    states, reasons = [None, "rejected"], [None, "missing"]
    for column, chosen in ((1, names), (2, sources), (3, states), (4, loads), (5, reasons)):
        assert {one[column] for one in queue} - set(chosen)

    for name, source, status, load_id, reason in product(names, sources, states, loads, reasons):
        filters = Filters(name, source, status, load_id, reason)
        matching = [
            one
            for one in queue
            if name in (None, one[1])
            and (source in (None, one[2]) or one[2].startswith(f"{source}#"))
            and status in (None, one[3])
            and load_id in (None, one[4])
            and reason in (None, one[5])
        ]

        page = reject_queue.page(engine, filters, 100, None).rejects
        found = [(r.reject_id, r.table, r.source, r.status, r.load_id, r.reason) for r in page]
        assert found == [one[:6] for one in reversed(matching)]
        if name is not None and status is None:
            # A file of corrections holds the open ones in their order, whatever their status.
            corrections = list(reject_queue.to_correct(engine, filters))
            assert [one[:2] for one in corrections] == [
                one[6:] for one in matching if one[3] == "rejected"
            ]


def test_a_page_has_at_most_so_many_rejects_and_begins_below_the_last_one(engine, queue):
    ids = [one[0] for one in reversed(queue)]

    first = reject_queue.page(engine, Filters(), 3, None)
    second = reject_queue.page(engine, Filters(), 3, first.rejects[-1].reject_id)
    last = reject_queue.page(engine, Filters(), 3, ids[-4])

    assert [r.reject_id for r in (*first.rejects, *second.rejects)] == ids[:6]
    assert [r.reject_id for r in last.rejects] == ids[-3:]
    assert [page.is_followed for page in (first, second, last)] == [True, True, False]
    assert reject_queue.page(engine, Filters(), 3, ids[-1]) == Page([], is_followed=False)


@pytest.fixture
def large(engine, rows):
    """Rejects of some 1, 30 and 60 kB; gives their ids."""
    sizes = (1, 30, 60, 30, 1, 60, 60, 1, 1)
    lines = [f"{'x' * 1000 * size}" for size in sizes]
    stream = io.BytesIO("\n".join(["1,A", *lines, ""]).encode())
    found = blocks(tables.find("jobs"), stream, 1 << 20)
    load(engine, Source("gs://uploads/jobs.csv#1", "file", "jobs", NOON), lambda: found)
    return [number for (number,) in rows("select reject_id from rejected_rows order by 1")]


@pytest.mark.parametrize("limit", [2, 9, 100])
def test_a_page_ends_by_its_size_too_and_the_next_one_begins_right_after_it(engine, large, limit):
    pages, before = [], None
    while not pages or pages[-1].is_followed:
        pages.append(reject_queue.page(engine, Filters(), limit, before, 50_000))
        before = pages[-1].rejects[-1].reject_id

    assert [r.reject_id for page in pages for r in page.rejects] == large[::-1]
    sizes = [[len(r.raw[0]) // 1000 for r in page.rejects] for page in pages]
    if limit > 2:
        # Each ends with the row that reaches the size.
        assert sizes == [[1, 1, 60], [60], [1, 30, 60], [30, 1]]


def test_a_file_of_corrections_is_the_same_in_small_pages_and_keeps_no_connection(engine, large):
    filters = Filters(table_name="jobs")
    whole = list(reject_queue.to_correct(engine, filters))

    found = []
    for one in reject_queue.to_correct(engine, filters, 50_000):
        # A reader may stall here for as long as it likes.
        assert engine.pool.checkedout() == 0
        found.append(one)

    assert found == whole
    assert len(whole) == len(large)


def test_a_row_that_is_kept_cut_is_listed_and_discarded_but_not_corrected(engine, rows):
    text = '"' + "1," * 600_000 + '"x\n2,\n3,C\n'
    source = Source("gs://uploads/jobs.csv#1", "file", "jobs", NOON)
    load(engine, source, lambda: blocks(tables.find("jobs"), io.BytesIO(text.encode()), 2 << 20))
    (first,), _ = rows("select reject_id from rejected_rows order by 1")

    listed = reject_queue.page(engine, Filters(), 9, None).rejects
    to_correct = list(reject_queue.to_correct(engine, Filters(table_name="jobs")))
    replayed = reject_queue.replay(engine, None, None, "ann", {first: {"id": 1, "job": "A"}})
    discarded = reject_queue.discard(engine, [first])

    assert [error.code for error in listed[1].errors] == ["bad_quoting", "row_cut"]
    assert "Only the first 10000 of the row's 120000" in listed[1].errors[1].message
    assert [position for position, *_ in to_correct] == [2]
    assert [error.sentence() for error in replayed.refused[first]] == [listed[1].errors[1].message]
    assert (replayed.closed, replayed.entries) == ([], [])
    assert discarded.closed == [first]
    assert rows("select status from rejected_rows order by reject_id") == [
        ("discarded",),
        ("rejected",),
    ]


def test_a_waiting_row_is_not_offered_for_correction(engine, waits):
    assert list(reject_queue.to_correct(engine, Filters(table_name="hired_employees"))) == []
    assert len(reject_queue.page(engine, Filters(status="waiting"), 9, None).rejects) == len(waits)


def test_discarding_changes_only_the_rejects_named_and_their_load(engine, rows, waits, queue):
    first, second = waits
    before = rows("select load_id, waiting, rejected from loads where waiting = 0 order by 1")

    outcome = reject_queue.discard(engine, [second])

    assert (outcome.closed, outcome.not_open) == ([second], {})
    assert rows("select status from rejected_rows where reject_id = :id", id=first) == [
        ("waiting",)
    ]
    assert rows("select waiting, rejected from loads where waiting > 0") == [(1, 1)]
    assert rows("select load_id, waiting, rejected from loads where waiting = 0 order by 1") == (
        before
    )
    left = rows("select reject_id, status from rejected_rows where reject_id > 2 order by 1")
    assert left == [(one[0], one[3]) for one in queue if one[0] > second]
