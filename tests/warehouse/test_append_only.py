"""Rows of an append-only table reach BigQuery once, under their load and position."""

import pytest

from shared import tables
from shared.database.migrate import migrate
from shared.tables import Integer, Reference, Row, Table, Text, Timestamp, UtcDay, Warehouse
from shared.warehouse import apply
from shared.warehouse.reconcile import reconcile


class Event(Row):
    """An event of a job."""

    job_id = Integer()
    what = Text(optional=True)
    at = Timestamp()


EVENTS = Table(
    "events",
    Event,
    key=(),
    references=(Reference("job_id", "jobs"),),
    warehouse=Warehouse(
        name="fact_events",
        rename={"at": "happened_at"},
        derived={"day": UtcDay("at", "Day of the event")},
        partition="day",
    ),
)
ROWS = "select position, job_id, what, day from `warehouse.fact_events` order by what, position"
EVENT = "{},{},2021-02-03T23:05:06-02:00\n"


@pytest.fixture
def events(engine, warehouse, drop):
    """The table, in PostgreSQL and BigQuery, with three rows, two of them the same."""
    known = tables.all_tables()
    known["events"] = EVENTS
    migrate(engine)
    apply.apply(warehouse, "US")
    drop("jobs", "1,Welder\n")
    yield drop("events", EVENT.format(1, "on") + EVENT.format(1, "on") + EVENT.format(9, "off"))
    del known["events"]
    warehouse.query(f"drop table {warehouse.names.table('fact_events')}")


def test_rows_are_synced_and_those_that_waited_follow(events, sync, drop, ask):
    sync.run()
    found = ask(ROWS)
    assert [row[:3] for row in found] == [(1, 1, "on"), (2, 1, "on")]
    assert {str(row[3]) for row in found} == {"2021-02-04"}

    drop("jobs", "9,Nurse\n")
    drop("events", EVENT.format(9, "on"), minute=1)
    sync.run()

    assert [row[:3] for row in ask(ROWS)] == [
        *((3, 9, "off"), (1, 1, "on"), (1, 9, "on"), (2, 1, "on"))
    ]
    assert reconcile(sync).agrees


def test_reconciling_finds_and_repairs_rows_by_load_and_position(events, sync, warehouse, ask):
    sync.run()
    before = ask("select * from `warehouse.fact_events` order by position")
    for sql in (
        "update `warehouse.fact_events` set what = 'x' where position = 1",
        "delete from `warehouse.fact_events` where position = 2",
    ):
        warehouse.query(warehouse.names.resolved(sql))

    found = reconcile(sync, repair=True)

    (report,) = [one.found for one in found.tables if one.found.projection.table is EVENTS]
    assert [(one.kind, one.key["position"]) for one in report.differences or ()] == [
        ("changed", 1),
        ("missing", 2),
    ]
    assert ask("select * from `warehouse.fact_events` order by position") == before


def test_a_restore_is_synced_whole(events, sync, restored, execute, ask):
    sync.run()
    execute("delete from events where position = 1")
    restored("events")

    sync.run()

    assert [row[0] for row in ask(ROWS)] == [2]
