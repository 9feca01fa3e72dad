"""A few schedules of work and faults; `make chaos` plays hundreds."""

import random
from collections.abc import Callable, Iterator

import pytest

from tests.chaos import clock, report, schedules
from tests.chaos.findings import Findings
from tests.chaos.lines import Line
from tests.chaos.model import Sent
from tests.chaos.rounds import Arena, started
from tests.support.operator import Operator

# Pub/Sub's client warns that `return_immediately` costs the server more.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

# These seeds have found bugs. With the first one, events are delivered twice, the disk is full and
# the clock is set forward.
SEEDS = (4, 4073477306, 421110231)
LOSE_A_HIRE = "delete from hired_employees where id = (select max(id) from hired_employees)"
DUPLICATE_A_REJECT = """
    insert into rejected_rows (load_id, sender, table_name, position, raw, errors, reason)
    select load_id, sender, table_name, position, raw, errors, reason
    from rejected_rows where status = 'rejected' order by reject_id desc limit 1
"""
BRING_BACK_AN_OLD_NAME = """
    update departments set department = 'of old' where id = (select max(id) from departments)
"""


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    """A platform that the tests may damage."""
    with started() as made:
        yield made


def test_a_seed_makes_the_same_schedule_each_time() -> None:
    assert schedules.make(7, 1000) == schedules.make(7, 1000)
    assert schedules.make(7, 1000) != schedules.make(8, 1000)


@pytest.mark.skipif(not clock.IS_INSTALLED, reason="libfaketime is not installed")
def test_functions_see_the_clock_that_is_set(arena: Arena) -> None:
    assert arena.clock is not None
    accepted = []
    for offset in (86400.0, 0.0, -86400.0, 0.0):
        arena.clock.set(offset)
        line = Line({"id": 7, "job": f"At {offset}"})
        arena.model.record(Sent("batch", "", "jobs", [line]))
        answer = arena.caller.until_answered(
            *("POST", "/insert_rows/jobs"), json={"rows": [line.row]}, headers={"Prefer": "wait=30"}
        )
        query = "select extract(epoch from accepted_at - started_at) from loads where source = :id"
        accepted.append(arena.operator.count(query, id=answer.json()["batch_id"]))

    assert accepted == [pytest.approx(n, abs=10) for n in (86400, 0, -86400, 0)]
    (job,) = arena.operator.ask("select job from jobs where id = 7")
    assert job["job"] == "At 86400.0"


def test_nothing_is_lost_or_duplicated_whatever_goes_wrong(
    arena: Arena, tell: Callable[[str], None]
) -> None:
    seeds = (*SEEDS, random.randrange(2**32))

    found = arena.play(seeds)

    tell(f"seeds {' '.join(map(str, seeds))}\n{report.table(found, arena.faults, 0)}")
    again = " ".join(f"--seed {seed}" for seed in seeds)
    assert found.failures == [], f"python -m tests.chaos {again}"
    assert found.counts["rows lost"] == found.counts["rows duplicated"] == 0
    assert found.counts["rows accepted"] > 20
    assert arena.faults.total() > 2


@pytest.mark.parametrize("kind", ["drop", "alter", "change_view", "damage", "copy"])
def test_what_people_do_raises_an_alarm_and_can_be_put_right(arena: Arena, kind: str) -> None:
    findings = Findings()

    getattr(arena.mishaps, kind)(random.Random(kind), 500, findings)

    assert findings.failures == []
    assert findings.counts["alarms raised"] == (kind != "copy")


def damage(operator: Operator) -> None:
    """Delete a row and a file, duplicate a reject, and bring back an old version."""
    with operator.engine.begin() as connection:
        for statement in (LOSE_A_HIRE, DUPLICATE_A_REJECT, BRING_BACK_AN_OLD_NAME):
            assert connection.exec_driver_sql(statement).rowcount == 1
    name = next(name for name in operator.objects("processed") if "rejected" not in name)
    operator.storage.bucket(operator.names["processed"]).blob(name).delete()


def test_lost_and_duplicated_rows_are_found(arena: Arena) -> None:
    # A seed with few faults. This test is the last, because it damages the platform.
    found = arena.play((83,), damage)

    counts = found.counts
    assert counts["rows lost"] == counts["rejects duplicated"] == counts["file misplaced"] == 1
    assert counts["wrong row"] == 2
    assert counts["rows not conserved"] == 1
    assert counts["BigQuery differs"] == 2
    assert counts["reconcile disagrees"] == 1
