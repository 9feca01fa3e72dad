"""The reporting views: loads, rejected rows, and how fresh the tables are."""

import pytest

from shared.warehouse import history


@pytest.fixture
def loads(drop, sync):
    """A load without rejects, one with rejected rows, and one with a waiting row."""
    drop("departments", "1,Sales\n")
    drop("jobs", "1,Welder\n2,\nx,Tester\n")
    drop("hired_employees", "1,Ana,2021-02-03T04:05:06Z,1,1\n2,Bo,2021-02-03T04:05:06Z,7,1\n")
    sync.run()


def test_every_load_is_in_the_history_as_the_ledger_has_it(loads, execute, ask):
    columns = (
        "source, kind, sender, table_name, state, rows_read, inserted, updated, unchanged,"
        " superseded, waiting, rejected, accepted_at, started_at, finished_at"
    )

    found = ask(f"select {columns} from `reporting.load_history` order by source")

    assert len(found) == 3
    assert found == execute(f"select {columns} from loads order by source")
    seconds = "select min(load_seconds) >= 0, min(sync_seconds) > 0 from `reporting.load_history`"
    assert ask(seconds) == [(True, True)]


def test_a_failed_load_is_in_the_history_with_its_reason(execute, sync, ask):
    execute(
        "insert into loads (load_id, source, kind, state, error, accepted_at, started_at,"
        " finished_at) values (gen_random_uuid(), 'gs://b/x.csv#1', 'file', 'failed',"
        " '{\"code\": \"not_utf8\"}', now(), now() - interval '2 hours 90 s',"
        " now() - interval '2 hours')"
    )

    sync.run()

    assert ask("select table_name, state, error_code from `reporting.load_history`") == [
        (None, "failed", "not_utf8")
    ]
    ((load_seconds, sync_seconds),) = ask(
        "select load_seconds, sync_seconds from `reporting.load_history`"
    )
    assert load_seconds == 90
    assert 7200 <= sync_seconds < 7260


def test_rejects_are_counted_by_reason(loads, ask):
    assert ask(
        "select table_name, reason, status, row_count, load_count"
        " from `reporting.rejects_by_reason` order by table_name, reason"
    ) == [
        ("hired_employees", "missing_parent", "waiting", 1, 1),
        ("jobs", "missing", "rejected", 1, 1),
        ("jobs", "not_an_integer", "rejected", 1, 1),
    ]


def test_released_rows_are_counted_as_loaded(loads, drop, sync, execute, ask):
    drop("departments", "7,Legal\n", minute=1)
    sync.run()

    assert ask(
        "select status, row_count from `reporting.rejects_by_reason` where reason ="
        " 'missing_parent'"
    ) == [("loaded", 1)]
    assert ask(
        "select waiting, inserted from `reporting.load_history`"
        " where table_name = 'hired_employees'"
    ) == execute("select waiting, inserted from loads where table_name = 'hired_employees'")


def test_the_sweep_syncs_corrections_made_by_hand(loads, sync, execute, ask):
    statuses = "select reason, status from `reporting.rejects_by_reason` order by reason"
    execute("update rejected_rows set status = 'discarded' where reason = 'missing'")
    execute("update rejected_rows set status = 'replayed' where reason = 'missing_parent'")
    execute("update loads set waiting = 0, rejected = 1 where table_name = 'hired_employees'")

    sync.run()
    sync.sweep()

    assert ask(statuses) == [
        ("missing", "discarded"),
        ("missing_parent", "replayed"),
        ("not_an_integer", "rejected"),
    ]
    assert ask(
        "select waiting, rejected from `reporting.load_history`"
        " where table_name = 'hired_employees'"
    ) == [(0, 1)]


def test_only_loads_whose_rejects_changed_are_synced_again(
    drop, sync, engine, warehouse, execute, ask
):
    statuses = ("discarded", "loaded", "rejected", "replayed", "waiting")
    # One row of the first status, two of the second, and so on; then four with another reason.
    each = [status for number, status in enumerate(statuses, 1) for _ in range(number)]
    text = "".join(f"{number},\n" for number in range(1, len(each) + 1)) + "x,Tester\n" * 4
    for _ in range(2):
        load = drop("jobs", text)
        execute(
            "update rejected_rows set status = (cast(:each as text[]))[numbered.place]"
            " from (select reject_id, row_number() over (order by reject_id) as place"
            " from rejected_rows where load_id = :load_id and reason = 'missing') as numbered"
            " where numbered.reject_id = rejected_rows.reject_id",
            each=each,
            load_id=load.load_id,
        )

    def counts():
        return ask(
            "select reason, status, sum(row_count) from `warehouse.load_rejects`"
            " group by 1, 2 order by 1, 2"
        )

    sync.run()
    # A load that is pending is left to the next sync.
    drop("jobs", "1,\n2,\n3,\n")

    other = ("not_an_integer", "rejected", 8)
    twice = [("missing", name, 2 * number) for number, name in enumerate(statuses, 1)]
    assert counts() == [*twice, other]
    assert history.refresh(engine, warehouse) == 0

    execute(
        "update rejected_rows set status = 'discarded' where reject_id = (select min(reject_id)"
        " from rejected_rows where status = 'waiting' and load_id = :load_id)",
        load_id=load.load_id,
    )
    assert history.refresh(engine, warehouse) == 1
    assert history.refresh(engine, warehouse) == 0
    twice[0], twice[-1] = ("missing", "discarded", 3), ("missing", "waiting", 9)
    assert counts() == [*twice, other]


def test_freshness_distinguishes_a_quiet_table_from_one_that_is_behind(loads, sync, execute, ask):
    newest = execute(
        "select table_name, finished_at from loads where inserted > 0 order by table_name"
    )
    before = ask("select distinct checked_at from `reporting.data_freshness`")

    sync.sweep()

    assert before == [(None,)]
    assert (
        ask("select table_name, as_of from `reporting.data_freshness` order by table_name")
        == newest
    )
    assert ask(
        "select distinct checked_at > changed_at, minutes_since_change, minutes_since_check"
        " from `reporting.data_freshness`"
    ) == [(True, 0, 0)]
