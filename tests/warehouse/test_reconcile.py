"""Reconciling finds every difference between BigQuery and PostgreSQL, and repairs it."""

import json
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from shared import tables
from shared.database.engine import transaction
from shared.errors import WarehouseUnavailable
from shared.storage import ObjectStore
from shared.tables import Integer, Row, Table, Text, Timestamp
from shared.warehouse import apply, lock
from shared.warehouse.checksums import DERIVED
from shared.warehouse.compare import COARSE, FINE, KINDS, Limits, compare
from shared.warehouse.reconcile import reconcile
from shared.warehouse.star import projections
from shared.warehouse.sync import Sync
from tests.warehouse.planted_differences import FACTS, PLANTED

NAMES = ["Ana", "José", "ﬁn 🎉", "a|b", "O'Hara", "x\ty", "null", "Zoë", "Bo", "Cy"]


class Office(Row):
    """An office, with city and number as its key."""

    city = Text()
    number = Integer(minimum=1)
    opened = Timestamp()
    floors = Integer(minimum=1, default=1)
    owner = Text(optional=True)


@pytest.fixture
def hired(drop, sync):
    """Ten hires in two departments and three jobs, synced to BigQuery."""
    drop("departments", "1,Sales\n2,Legal\n")
    drop("jobs", "1,Welder\n2,Tester\n3,Éclair maker\n")
    lines = (
        f'{number},"{name}",20{number + 10}-0{number % 9 + 1}-28T04:05:06.00000{number % 10}Z,'
        f"{1 + number // 9},{1 + number % 3}\n"
        for number, name in enumerate(NAMES, 1)
    )
    drop("hired_employees", "".join(lines))
    sync.run()


@pytest.fixture
def three_jobs(drop, sync):
    """Three jobs, synced to BigQuery."""
    drop("jobs", "1,Welder\n2,Tester\n3,Éclair maker\n")
    sync.run()


@pytest.fixture
def plant(warehouse):
    """Runs a statement on BigQuery, outside any sync."""
    return lambda sql: warehouse.query(warehouse.names.resolved(sql))


@pytest.fixture
def reported(sync):
    """Reconciles; returns the differences of each table that has any: kind, key, fields."""

    def act(**options):
        return {
            one.found.projection.table.name: [
                (found.kind, *found.key.values(), tuple(found.fields))
                for found in one.found.differences
            ]
            for one in reconcile(sync, **options).tables
            if not one.found.agrees
        }

    return act


def test_it_reports_if_nothing_differs(hired, sync):
    done = reconcile(sync, repair=True).tables

    assert [one.found.projection.table.name for one in done] == list(tables.all_tables())
    assert all(one.found.agrees and not one.repaired for one in done)
    assert [(one.found.postgres_rows, one.found.bigquery_rows) for one in done] == [
        (2, 2),
        (3, 3),
        (10, 10),
    ]


@pytest.mark.slow
def test_it_finds_each_of_twenty_planted_differences_and_repairs_it(
    hired, plant, reported, differences
):
    assert len(PLANTED) > 20
    hires = [tables.find("hired_employees")]
    for name, (sql, wanted) in PLANTED.items():
        plant(sql)

        assert reported(tables=hires, repair=True) == {"hired_employees": wanted}, name
        assert differences() == [], name


def test_without_repair_differences_are_only_reported(hired, plant, reported, differences):
    plant("update `warehouse.dim_jobs` set job = 'Baker' where id = 2")

    assert reported() == reported() == {"jobs": [("changed", 2, ("job",))]}
    assert differences() == ["jobs"]


def test_a_table_that_is_not_named_is_not_repaired(hired, plant, sync, differences):
    plant("delete from `warehouse.dim_jobs` where id = 2")
    plant("delete from `warehouse.dim_departments` where id = 2")

    reconcile(sync, [tables.find("jobs")], repair=True)

    assert differences() == ["departments"]


def test_pending_loads_are_not_a_difference(hired, drop, reported, not_synced):
    drop("jobs", "2,Baker\n4,Clerk\n", minute=1)

    assert reported() == {}
    assert not_synced() == 0


def test_differing_rows_are_found_in_divided_buckets(hired, plant, reported, differences):
    plant(f"delete from {FACTS} where id in (3, 5)")
    limits = Limits(divided_rows=0)

    assert reported(repair=True, limits=limits) == {
        "hired_employees": [("missing", 3, ()), ("missing", 5, ())]
    }
    assert differences() == []


def test_if_too_many_rows_differ_the_whole_table_is_refreshed(hired, plant, sync, differences):
    plant(f"update {FACTS} set name = 'Eva' where true")
    plant(f"insert into {FACTS} select * from {FACTS}")

    done = reconcile(sync, repair=True, limits=Limits(most_rows=1)).tables[-1]

    assert (done.found.differences, done.found.count("changed"), done.repaired) == (
        None,
        None,
        True,
    )
    assert differences() == []


def test_only_the_buckets_that_differ_are_refreshed(drop, sync, sync_after, warehouse, plant):
    drop("jobs", "".join(f"{number},Job {number}\n" for number in range(1, 2001)))
    sync.run()
    plant("delete from `warehouse.dim_jobs` where id = 77")
    staged = []

    def count(call):
        dataset = f"{warehouse.names.project}.{warehouse.names.warehouse}"
        if call == "drop":
            for table in warehouse.client.list_tables(dataset):
                if table.table_id.startswith("staging_"):
                    name = warehouse.names.table(table.table_id)
                    staged.extend(warehouse.query(f"select count(*) as found from {name}"))

    reconcile(sync_after(count), repair=True)

    # 2000 rows are spread over 256 buckets.
    assert [0 < one["found"] < 40 for one in staged] == [True]


def test_a_difference_is_an_error_with_a_label_to_alert_on(hired, plant, sync, capsys):
    plant("update `warehouse.dim_jobs` set job = 'Baker' where id = 2")

    reconcile(sync)
    reconcile(sync, repair=True)
    reconcile(sync)

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["repaired"] for line in lines] == [False, True]
    for line in lines:
        assert line["severity"] == "ERROR"
        assert line["logging.googleapis.com/labels"] == {"alert": "warehouse-differs"}
        assert (line["table"], line["changed"], line["missing"]) == ("jobs", 1, 0)
        assert "Baker" not in str(line)


def test_a_repair_counts_as_a_change_of_the_table(hired, plant, sync, ask):
    def changed_at():
        return ask("select table_name, changed_at from `warehouse.sync_state` order by 1")

    before = changed_at()
    plant("delete from `warehouse.dim_jobs` where id = 2")

    reconcile(sync, repair=True)

    now = changed_at()
    assert [name for (name, was), (_, now) in zip(before, now, strict=True) if was != now] == [
        "jobs"
    ]


def test_a_warehouse_that_lost_everything_is_restored(hired, plant, sync, differences, ask):
    for name in (*(p.target for p in projections()), "sync_state"):
        plant(f"delete from `warehouse.{name}` where true")

    assert all(one.repaired for one in reconcile(sync, repair=True).tables)
    assert differences() == []
    assert ask("select table_name from `warehouse.sync_state` order by 1") == [
        ("departments",),
        ("hired_employees",),
        ("jobs",),
    ]


def test_it_waits_for_a_running_sync_and_gives_up_in_time(hired, sync, engine):
    with lock.hold(engine) as held:
        assert held
        with pytest.raises(WarehouseUnavailable, match="try again"):
            reconcile(sync, wait_seconds=0.2)

    assert reconcile(sync)


@pytest.fixture
def arriving(engine, warehouse, storage_client, staging, drop):
    """Makes a sync during which jobs are loaded when its Nth transaction of reading begins."""

    class Busy(Sync):
        snapshots = iter(())

        @contextmanager
        def snapshot(self):
            for text in next(self.snapshots, ()):
                drop("jobs", text, minute=1)
            with super().snapshot() as connection:
                yield connection

    def make(*texts):
        busy = Busy(engine, warehouse, ObjectStore(storage_client), staging)
        busy.snapshots = iter(texts)
        return busy

    return make


def test_loads_committed_just_before_the_comparison_are_not_a_difference(
    three_jobs, arriving, not_synced
):
    # The first snapshot has nothing pending; what is compared is the second.
    done = reconcile(arriving([], ["2,Baker\n4,Clerk\n"])).tables

    assert all(one.found.agrees for one in done)
    assert not_synced() == 0


def test_if_loads_arrive_faster_than_they_are_synced_it_gives_up(three_jobs, arriving, monkeypatch):
    monkeypatch.setattr("shared.warehouse.pending.MOST_LOADS", 1)
    monkeypatch.setattr("shared.warehouse.reconcile.MOST_LOADS", 1)

    with pytest.raises(WarehouseUnavailable, match="Too many loads"):
        reconcile(arriving([], ["4,Clerk\n"]))


def test_loads_of_syncs_that_met_the_lock_are_synced_afterwards(
    three_jobs, drop, sync, sync_after, not_synced
):
    arriving = iter(["4,Clerk\n"])

    def meanwhile(call):
        if call == "query":
            for text in arriving:
                drop("jobs", text, minute=1)
                assert sync.run().running_elsewhere

    reconcile(sync_after(meanwhile))

    assert not_synced() == 0


def test_a_reconcile_that_exceeds_its_time_budget_asks_for_a_retry(three_jobs, drop, sync_after):
    arriving = iter(["4,Clerk\n"])

    def meanwhile(call):
        if call == "query":
            for text in arriving:
                drop("jobs", text, minute=1)
                time.sleep(1)

    # Either before it compares or, on a quick machine, after that.
    with pytest.raises(WarehouseUnavailable, match="try again"):
        reconcile(sync_after(meanwhile), budget_seconds=1)


def test_a_repair_leaves_no_temporary_tables_or_objects(
    three_jobs, plant, sync, warehouse, storage_client, staging
):
    dataset = f"{warehouse.names.project}.{warehouse.names.warehouse}"

    def there():
        found = {table.table_id for table in warehouse.client.list_tables(dataset)}
        return found | {blob.name for blob in storage_client.list_blobs(staging)}

    before = there()
    plant("delete from `warehouse.dim_jobs` where id = 2")
    reconcile(sync, repair=True)

    assert there() == before


# Each touches other rows, so that they can all be made at once.
AT_ONCE = {
    "a row is missing": f"delete from {FACTS} where id = 10",
    "a row too many": (
        f"insert into {FACTS} select * replace (900 as id) from {FACTS} where id = 1"
    ),
    "a row twice": f"insert into {FACTS} select * from {FACTS} where id = 2",
    "a row three times": (
        f"insert into {FACTS} select hires.* from {FACTS} as hires"
        " cross join unnest([1, 2]) as n where hires.id = 3"
    ),
    "two columns changed": f"update {FACTS} set name = 'Eva', job_id = 9 where id = 4",
}


def test_differences_of_every_kind_are_told_apart(
    hired, plant, engine, warehouse, sync, differences
):
    for sql in AT_ONCE.values():
        plant(sql)
    hires = projections()[-1]

    with transaction(engine) as connection:
        found = compare(connection, warehouse, hires)

        assert [(one.kind, one.key["id"], one.fields) for one in found.differences] == [
            ("repeated", 2, []),
            ("repeated", 3, []),
            ("changed", 4, ["name", "job_id"]),
            ("missing", 10, []),
            ("extra", 900, []),
        ]
        assert [found.count(kind) for kind in KINDS] == [1, 1, 1, 2]
        assert (found.postgres_rows, found.bigquery_rows) == (10, 13)
        assert not found.agrees

        # Here, four rows are in a bucket that differs; there, seven.
        rows_inside = 7
        for limits, wanted in (
            (Limits(divided_rows=rows_inside), (COARSE, False)),
            (Limits(divided_rows=rows_inside - 1), (FINE, False)),
            (Limits(most_rows=rows_inside), (COARSE, False)),
            (Limits(most_rows=rows_inside - 1), (COARSE, True)),
        ):
            one = compare(connection, warehouse, hires, limits)
            assert (one.digits, one.differences is None) == wanted


def test_nulls_and_keys_of_several_columns_are_compared_exactly(
    warehouse, sync, execute, engine, monkeypatch, reported, plant
):
    offices = Table(name="offices", schema=Office, key=("city", "number"))
    monkeypatch.setattr(tables, "all_tables", lambda: {"offices": offices})
    apply.apply(warehouse, "US")
    execute(
        "create table offices (city text, number bigint, opened timestamptz, floors bigint,"
        " owner text, accepted_at timestamptz, load_id uuid)"
    )
    try:
        execute(
            "insert into offices select city, number, now(), 1,"
            " case number when 1 then 'Ana' end, now(), gen_random_uuid()"
            " from unnest(array['Lima', 'Graz']) city, generate_series(1, 3) number"
        )
        reported(repair=True)
        plant("alter table `warehouse.offices` alter column floors drop not null")
        plant("update `warehouse.offices` set floors = null where city = 'Lima' and number = 2")
        plant("delete from `warehouse.offices` where city = 'Graz' and number = 3")
        plant("update `warehouse.offices` set owner = null where city = 'Lima' and number = 1")
        plant("update `warehouse.offices` set owner = 'Bo' where city = 'Lima' and number = 3")
        wanted = {
            "offices": [
                ("missing", "Graz", 3, ()),
                ("changed", "Lima", 1, ("owner",)),
                ("changed", "Lima", 2, ("floors",)),
                ("changed", "Lima", 3, ("owner",)),
            ]
        }

        assert reported(repair=True) == wanted
        assert reported() == {}
    finally:
        execute("drop table offices")


def forms(kind):
    return kind.postgres_canonical, kind.bigquery_canonical


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (forms(Integer(minimum=1)), "9223372036854775807"),
        (forms(Text()), "'ﬁn 🎉 \\\\ | é'"),
        (forms(Timestamp()), "timestamp '0001-01-01 00:00:00.000001+00'"),
        (forms(Timestamp()), "timestamp '9999-12-31 23:59:59.999999+00'"),
        (DERIVED["DATE"], "date '0001-01-01'"),
        (DERIVED["DATE"], "date '9999-12-31'"),
    ],
)
def test_a_value_has_the_same_canonical_form_in_both_databases(engine, warehouse, form, value):
    ours, theirs = form
    # The one difference is the name of the timestamp type.
    mine = value.replace("timestamp '", "timestamptz '").replace("\\\\", "\\")
    with engine.connect() as connection:
        one = connection.execute(sa.text(f"select {ours.format(mine)}")).scalar()

    other = warehouse.query(f"select {theirs.format(value)} as form")[0]["form"]

    assert one == other
