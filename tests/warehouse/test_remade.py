"""Tables of the warehouse that are dropped or changed: an error names the remedy, which works."""

import json

import pytest

from shared.errors import WarehouseRefusal
from shared.warehouse.apply import apply
from shared.warehouse.freshness import freshness

APPLY = "python -m shared.warehouse apply"


@pytest.fixture
def behind(engine, warehouse):
    """How many loads each table lacks, as `GET /freshness` says."""

    def ask():
        found = freshness(engine, warehouse)
        assert found.unsynced == sum(table.unsynced for table in found.tables)
        late = [table.unsynced for table in found.tables if table.lag_seconds]
        assert late == [table.unsynced for table in found.tables if table.unsynced]
        return [table.unsynced for table in found.tables]

    return ask


@pytest.fixture
def synced(drop, sync):
    """Departments, jobs and hires on both sides."""
    drop("departments", "1,Sales\n2,Legal\n")
    drop("jobs", "1,Welder\n")
    drop("hired_employees", "1,Ana,2021-02-03T04:05:06Z,1,1\n")
    sync.sweep()


def test_a_dropped_table_keeps_no_other_back_and_is_filled_after_apply(
    synced, drop, sync, warehouse, ask, differences, behind, capfd
):
    warehouse.drop("dim_jobs")
    drop("jobs", "2,Tester\n")
    drop("departments", "3,Support\n")

    with pytest.raises(WarehouseRefusal, match=APPLY):
        sync.run()

    assert ask("select count(*) from `warehouse.dim_departments`") == [(3,)]
    assert behind() == [0, 1, 0]
    apply(warehouse, "US")
    # It is there again, and empty: both its loads are missing now.
    assert ask("select count(*) from `warehouse.dim_jobs`") == [(0,)]
    assert behind() == [0, 2, 0]
    capfd.readouterr()
    sync.sweep()

    assert behind() == [0, 0, 0]
    assert differences() == []
    apply(warehouse, "US")
    assert behind() == [0, 0, 0]


def test_a_table_made_anew_is_filled_by_the_next_sweep_without_a_new_load(
    synced, sync, warehouse, differences, behind, capfd
):
    warehouse.drop("fact_hires")
    warehouse.drop("dim_departments")
    apply(warehouse, "US")
    assert behind() == [1, 0, 1]
    capfd.readouterr()

    sync.run()
    assert behind() == [1, 0, 1]
    sync.sweep()

    assert (behind(), differences()) == ([0, 0, 0], [])
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    filled = [line for line in lines if line["message"] == "A table of the warehouse was filled"]
    assert [(line["table"], line["rows"]) for line in filled] == [
        ("dim_departments", 2),
        ("fact_hires", 1),
    ]


def test_a_table_that_has_lost_a_column_is_named_with_the_remedy(
    synced, drop, sync, warehouse, ask, differences
):
    jobs = warehouse.names.table("dim_jobs")
    warehouse.query(f"alter table {jobs} drop column job")
    drop("jobs", "2,Tester\n")
    drop("departments", "3,Support\n")

    with pytest.raises(WarehouseRefusal, match=f"dim_jobs.*{APPLY}"):
        sync.run()

    assert ask("select count(*) from `warehouse.dim_departments`") == [(3,)]
    # The remedy: the table out of the way, and apply.
    warehouse.drop("dim_jobs")
    apply(warehouse, "US")
    sync.sweep()
    assert differences() == []


def test_the_first_sync_needs_no_filling(drop, sync, behind, capfd):
    drop("jobs", "1,Welder\n")
    assert behind() == [0, 1, 0]
    sync.sweep()

    assert behind() == [0, 0, 0]
    assert "was filled" not in capfd.readouterr().out
