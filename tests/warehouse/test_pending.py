"""Which loads the warehouse lacks, as the ledger in PostgreSQL says."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from shared.database.engine import transaction
from shared.loading.ledger import OUTCOMES
from shared.warehouse import pending
from shared.warehouse.names import SQL
from tests.warehouse.conftest import NOON

FILE = {"kind": "file", "table_name": "jobs", "state": "done"}
RESTORE = {**FILE, "kind": "restore"}
FAILED = {**FILE, "state": "failed"}


@pytest.fixture
def record(engine):
    """Records loads in the ledger, all in one transaction; returns their ids."""

    def act(*entries):
        ids = [str(uuid.uuid4()) for _ in entries]
        with transaction(engine) as connection:
            for load_id, entry in zip(ids, entries, strict=True):
                row = {"load_id": load_id, "source": load_id, "accepted_at": NOON, **entry}
                row["rows_read"] = sum(row.get(name, 0) for name in OUTCOMES)
                names = ", ".join(row)
                values = ", ".join(f":{name}" for name in row)
                connection.execute(sa.text(f"insert into loads ({names}) values ({values})"), row)
        return ids

    return act


@pytest.fixture
def read(engine):
    """Reads the pending loads."""

    def act():
        with transaction(engine) as connection:
            return pending.read(connection)

    return act


@pytest.fixture
def newest(execute):
    """When the newest load that changed the jobs was finished."""
    text = (SQL / "ledger" / "newest.sql").read_text()
    return lambda: execute(text, table_name="jobs")[0][0]


def finished(minute):
    return {"finished_at": NOON + timedelta(minutes=minute)}


def ids_of(loads):
    return [str(load.load_id) for load in loads]


def test_finished_loads_are_pending_until_they_are_marked(record, read, engine):
    record({**FILE, "state": "loading"}, {**FILE, **finished(1), "synced_at": NOON})
    assert not pending.any_left(engine)

    done, failed = record({**FILE, **finished(3)}, {**FAILED, **finished(2)})

    assert pending.any_left(engine)
    # The oldest first.
    assert ids_of(read()) == [failed, done]
    assert pending.mark(engine, read()) == 2
    assert not pending.any_left(engine)
    assert read() == []


def test_only_loads_that_were_read_and_have_not_changed_since_are_marked(
    record, read, engine, execute
):
    # All are written by one transaction, which their versions name.
    first, second, third = record(*({**FILE, **finished(minute)} for minute in (1, 2, 3)))
    loads = [load for load in read() if str(load.load_id) != third]
    execute("update loads set waiting = 0 where load_id = cast(:load_id as uuid)", load_id=second)

    assert pending.mark(engine, loads) == 1
    assert pending.mark(engine, loads) == 0

    assert ids_of(read()) == [second, third]
    synced = execute(
        "select load_id from loads where synced_at between now() - interval '1 min' and now()"
    )
    assert [str(load_id) for (load_id,) in synced] == [first]


def test_a_round_takes_the_oldest_loads_up_to_its_limit(record, engine, monkeypatch):
    monkeypatch.setattr(pending, "MOST_LOADS", 2)
    _, first, second = record(*({**FILE, **finished(minute)} for minute in (3, 1, 2)))

    with transaction(engine) as connection:
        # Through the index, they come in this order by themselves.
        connection.exec_driver_sql("set local enable_indexscan = off")
        connection.exec_driver_sql("set local enable_bitmapscan = off")
        assert ids_of(pending.read(connection)) == [first, second]


# What a load of jobs makes a round do: nothing, sync rows of the load, or replace the table.
NOTHING, ROWS, WHOLE = [], [("jobs", False)], [("jobs", True)]
PLANS = {
    "a new row": ({**FILE, "inserted": 1}, ROWS),
    "a changed row": ({**FILE, "updated": 1}, ROWS),
    "new and changed rows": ({**FILE, "inserted": 2, "updated": 2}, ROWS),
    "an unchanged row": ({**FILE, "unchanged": 1}, ROWS),
    "an older row": ({**FILE, "superseded": 1}, NOTHING),
    "a rejected row": ({**FILE, "rejected": 1}, NOTHING),
    "no row": (FILE, NOTHING),
    "a failed file": (FAILED, NOTHING),
    "a restore": (RESTORE, WHOLE),
    "a failed restore": ({**RESTORE, "state": "failed"}, NOTHING),
    "a batch": ({**FILE, "kind": "batch", "inserted": 1}, ROWS),
    "an unknown table": ({**FAILED, "table_name": None}, NOTHING),
}


def test_a_round_does_what_its_loads_need(record, read):
    ids = record(*({**entry, **finished(0)} for entry, _ in PLANS.values()))
    (repeated,) = record({**FILE, **finished(0), "unchanged": 1, "repeats": ids[0]})
    loads = {str(load.load_id): load for load in read()}

    plans = {
        load_id: [(work.projection.table.name, work.whole) for work in pending.plan([load])]
        for load_id, load in loads.items()
    }

    found = {name: plans[load_id] for name, load_id in zip(PLANS, ids, strict=True)}
    assert found == {name: wanted for name, (_, wanted) in PLANS.items()}
    # The rows of a file that was sent before keep the moment at which it was accepted then.
    assert plans[repeated] == NOTHING
    confirmed = {load_id for load_id, load in loads.items() if load.confirmed_at is not None}
    assert confirmed == {ids[list(PLANS).index("an unchanged row")]}


def test_a_round_works_table_by_table(record, read):
    jobs = record(*({**FILE, **finished(minute), "inserted": 1} for minute in (5, 1)))
    (restore,) = record({**RESTORE, "table_name": "departments", **finished(2)})

    departments, of_jobs = pending.plan(read())

    assert (departments.projection.target, of_jobs.projection.target) == (
        "dim_departments",
        "dim_jobs",
    )
    assert (ids_of(departments.loads), departments.whole) == ([restore], True)
    assert (sorted(ids_of(of_jobs.loads)), of_jobs.whole) == (sorted(jobs), False)
    assert of_jobs.as_of == NOON + timedelta(minutes=5)


def test_the_newest_load_is_the_last_that_changed_the_table(record, newest):
    assert abs(newest() - datetime.now(UTC)) < timedelta(minutes=1)

    record({**FILE, **finished(1), "inserted": 1})
    assert newest() == NOON + timedelta(minutes=1)

    record({**FILE, **finished(2), "updated": 1})
    record(
        {**FILE, **finished(3), "unchanged": 1},
        {**FAILED, **finished(4)},
        {**FILE, **finished(5), "inserted": 1, "table_name": "departments"},
    )
    assert newest() == NOON + timedelta(minutes=2)

    record({**RESTORE, **finished(6)}, {**RESTORE, **finished(7), "state": "failed"})
    assert newest() == NOON + timedelta(minutes=6)
