"""Loads: every row is stored exactly once, in its newest accepted version."""

import gzip
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import tables
from shared.database.engine import transaction
from shared.database.sql import restore_lock_key
from shared.errors import DatabaseBusy, UnreadableFile
from shared.loading.ledger import Counts, Source, load_id_of
from shared.loading.load import load
from shared.validation.csv_rows import blocks
from tests.database.moments import NOON

MAX = 1 << 20


@pytest.fixture
def ledger(rows):
    """The counts of every load, checked to add up."""

    def read():
        found = rows(
            "select table_name, rows_read, inserted, updated, unchanged, superseded, waiting,"
            " rejected from loads where state = 'done' order by started_at"
        )
        for _, read_rows, *counts in found:
            assert read_rows == sum(counts)
        return found

    return read


def test_rows_are_inserted_once_however_often_their_source_is_delivered(drop, rows):
    first = drop("jobs", "1,Welder\n2,Tester\n", identity="gs://uploads/a#1")
    again = drop("jobs", "1,Welder\n2,Tester\n", identity="gs://uploads/a#1")

    assert first.first_time
    assert not again.first_time
    assert again.counts == first.counts == Counts(inserted=2)
    assert rows("select id, job from jobs order by id") == [(1, "Welder"), (2, "Tester")]


def test_the_newest_accepted_version_wins_in_any_arrival_order(drop, rows):
    versions = [("a", 1), ("b", 2), ("a", 3)]
    for key, order in enumerate(permutations(versions), 1):
        for text, minute in order:
            drop("jobs", f"{key},{text}\n", minute)

        found = rows("select job, accepted_at from jobs where id = :key", key=key)
        assert found == [("a", NOON + timedelta(minutes=3))], order


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_of_versions_accepted_at_the_same_moment_one_wins_in_any_arrival_order(drop, rows, order):
    for name in order:
        drop("jobs", f"1,{name}\n", identity=f"gs://uploads/{name}#1")

    newest = max("ab", key=lambda name: load_id_of(f"gs://uploads/{name}#1"))
    assert rows("select job from jobs") == [(newest,)]


VERSIONS = (
    "select reason, row ->> 'job', load_id, replaced_by, accepted_at from row_versions"
    " order by replaced_at, row ->> 'job'"
)


def test_a_version_that_is_sent_again_later_is_confirmed_and_replaces_nothing(drop, rows):
    first = drop("jobs", "1,Welder\n", 1)

    sent = []
    for minute, confirmed in ((3, 3), (2, 3), (3, 3)):
        sent.append(drop("jobs", "1,Welder\n", minute))
        assert sent[-1].counts == Counts(unchanged=1)
        assert rows("select load_id, accepted_at from jobs") == [
            (first.load_id, NOON + timedelta(minutes=confirmed))
        ]
    sent.append(drop("jobs", "1,Older\n", 2))
    assert sent[-1].counts == Counts(superseded=1)

    one, two = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
    raised, late, _, older = (entry.load_id for entry in sent)
    assert rows(VERSIONS) == [
        ("confirmed", None, first.load_id, raised, one),
        ("late", "Welder", late, first.load_id, two),
        ("late", "Older", older, first.load_id, two),
    ]


def test_an_update_records_the_row_it_replaces(drop, rows):
    first = drop("jobs", "1,Welder\n", 0)
    second = drop("jobs", "1,Smith\n2,New\n", 1)

    assert second.counts == Counts(inserted=1, updated=1)
    assert rows("select table_name, key, row from row_versions") == [
        ("jobs", {"id": 1}, {"id": 1, "job": "Welder"})
    ]
    assert rows(VERSIONS) == [("replaced", "Welder", first.load_id, second.load_id, NOON)]


def test_an_older_version_is_superseded_and_kept_as_it_came(drop, rows):
    first = drop("jobs", "1,New\n", 5)
    late = drop("jobs", "1,Old\n", 1)

    assert late.counts == Counts(superseded=1)
    assert rows("select job from jobs") == [("New",)]
    assert rows("select key, row from row_versions") == [({"id": 1}, {"id": 1, "job": "Old"})]
    assert rows(VERSIONS) == [
        ("late", "Old", late.load_id, first.load_id, NOON + timedelta(minutes=1))
    ]


def test_the_last_of_several_rows_with_one_key_in_a_file_wins(drop, rows):
    entry = drop("jobs", "1,a\n2,x\n1,b\n1,c\n")

    assert entry.counts == Counts(inserted=2, superseded=2)
    assert rows("select job from jobs where id = 1") == [("c",)]
    assert rows(VERSIONS) == [
        ("repeated", job, entry.load_id, entry.load_id, NOON) for job in ("a", "b")
    ]


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    loads=st.permutations(range(4)),
    values=st.lists(st.sampled_from(["a", "b"]), min_size=4, max_size=4),
    undone=st.integers(0, 3),
)
def test_the_versions_tell_what_would_be_stored_without_a_load(
    engine, drop, rows, loads, values, undone
):
    """Loads 0 to 3, accepted in that order, arrive in any order, each with a value for one key."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "truncate jobs, hired_employees, loads, rejected_rows, row_versions"
        )
    sent = {n: drop("jobs", f"1,{values[n]}\n", n).load_id for n in loads}

    known = dict(rows("select load_id, job from jobs"))
    found = rows("select load_id, replaced_by, row ->> 'job' from row_versions")
    known |= {load_id: job for load_id, _, job in found if job}
    # Who confirms a version has sent the same values.
    for _ in range(4):
        known |= {by: known[load_id] for load_id, by, job in found if not job}

    last = max(n for n in range(4) if n != undone)
    assert known[sent[last]] == values[last]
    assert set(known) == set(sent.values())


HIRE = "{},Ada,2021-01-01T00:00:00Z,{},{}\n"


@pytest.mark.parametrize("order", list(permutations(["departments", "jobs", "hired_employees"])))
def test_upload_order_does_not_matter(drop, rows, ledger, order):
    texts = {
        "departments": "1,Sales\n2,Support\n",
        "jobs": "1,Welder\n",
        "hired_employees": HIRE.format(1, 1, 1) + HIRE.format(2, 2, 1) + HIRE.format(3, 9, 9),
    }
    for table in order:
        drop(table, texts[table])

    assert rows("select id from hired_employees order by id") == [(1,), (2,)]
    assert rows(
        "select position, raw ->> 'id', errors from rejected_rows where status = 'waiting'"
    ) == [
        (
            3,
            "3",
            [
                {
                    "field": "department_id",
                    "code": "missing_parent",
                    "facts": {"table": "departments"},
                },
                {"field": "job_id", "code": "missing_parent", "facts": {"table": "jobs"}},
            ],
        )
    ]
    assert {entry for entry in ledger() if entry[0] == "hired_employees"} == {
        ("hired_employees", 3, 2, 0, 0, 0, 1, 0)
    }


def test_a_released_row_does_not_overwrite_a_newer_one(drop, rows, ledger):
    drop("jobs", "1,Welder\n")
    drop("hired_employees", HIRE.format(1, 5, 1).replace("Ada", "Old"), 1)
    drop("departments", "6,Other\n")
    drop("hired_employees", HIRE.format(1, 6, 1).replace("Ada", "New"), 2)
    drop("departments", "5,Late\n", 3)

    assert rows("select name, department_id from hired_employees") == [("New", 6)]
    assert ("hired_employees", 1, 0, 0, 0, 1, 0, 0) in ledger()


def test_a_load_with_released_rows_is_marked_for_another_sync(drop, rows, engine):
    drop("hired_employees", HIRE.format(1, 1, 1))
    with transaction(engine) as connection:
        connection.exec_driver_sql("update loads set synced_at = now()")

    drop("jobs", "1,Welder\n")
    drop("departments", "1,Sales\n")

    unsynced = rows("select table_name from loads where synced_at is null order by table_name")
    assert unsynced == [("departments",), ("hired_employees",), ("jobs",)]


def test_rejects_are_recorded_as_sent_with_field_code_and_line(drop, rows):
    entry = drop("hired_employees", "1,,2021-01-01T00:00:00Z,x,1\n2\n", sender="acme")

    assert entry.counts == Counts(rejected=2)
    recorded = rows(
        "select position, raw, errors, reason, sender, status, load_id from rejected_rows"
        " order by position"
    )
    assert recorded[0] == (
        1,
        {
            "id": "1",
            "name": "",
            "datetime": "2021-01-01T00:00:00Z",
            "department_id": "x",
            "job_id": "1",
        },
        [
            {"field": "name", "code": "missing", "facts": {}},
            {"field": "department_id", "code": "not_an_integer", "facts": {}},
        ],
        "missing",
        "acme",
        "rejected",
        entry.load_id,
    )
    assert recorded[1][1:4] == (
        ["2"],
        [{"field": "_row", "code": "too_few_fields", "facts": {"found": 1, "expected": 5}}],
        "too_few_fields",
    )


@pytest.mark.parametrize("sender", ["acme", None])
def test_a_row_that_waits_is_recorded_with_the_sender_of_its_file(drop, rows, sender):
    drop("hired_employees", HIRE.format(1, 1, 1), sender=sender)

    assert rows("select sender, status from rejected_rows") == [(sender, "waiting")]


def test_an_unreadable_file_writes_nothing(drop, rows):
    with pytest.raises(UnreadableFile):
        # Found after the first rows were staged.
        rows_of_noise = (b"%d,%d\n" % (n, n * 7919 % 10_007) for n in range(1, 200_000))
        drop("jobs", gzip.compress(b"".join(rows_of_noise))[:-9])
    with pytest.raises(UnreadableFile):
        drop("jobs", "1;a\n")

    assert rows("select * from loads") == []


def test_text_that_looks_like_sql_or_copy_stays_text(drop, rows):
    text = "Robert'); drop table jobs;--"
    drop("jobs", f'1,"{text}"\n2,\\.\n3,\\N\n4,"tab\there"\n')

    assert rows("select job from jobs order by id") == [(text,), ("\\.",), ("\\N",), ("tab\there",)]


def test_concurrent_loads_of_the_same_source_write_once(engine, rows):
    source = Source("gs://uploads/x#1", "file", "jobs", NOON)
    entries = []

    def act():
        stream = io.BytesIO(b"1,a\n2,b\n")
        entries.append(load(engine, source, lambda: blocks(tables.find("jobs"), stream, MAX)))

    threads = [threading.Thread(target=act) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry.counts for entry in entries] == [Counts(inserted=2)] * 6
    assert sum(entry.first_time for entry in entries) == 1
    assert rows("select count(*) from jobs") == [(2,)]


def test_concurrent_loads_of_the_same_keys_end_with_the_newest(engine, rows, ledger):
    def act(number):
        text = "".join(f"{key},v{number}\n" for key in range(1, 200)).encode()
        source = Source(f"gs://uploads/{number}", "file", "jobs", NOON + timedelta(minutes=number))
        load(engine, source, lambda: blocks(tables.find("jobs"), io.BytesIO(text), MAX))

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert rows("select distinct job from jobs") == [("v7",)]
    assert sum(entry[2] for entry in ledger()) == 199


@pytest.mark.parametrize(
    ("minute", "size_bytes", "counts", "kept"),
    [
        (1, 0, Counts(inserted=2, updated=1), "mine"),
        (1, 1, Counts(inserted=2, updated=1), "mine"),
        (-1, 0, Counts(inserted=2, superseded=1), "theirs"),
        (-1, 1, Counts(inserted=2, superseded=1), "theirs"),
    ],
)
def test_a_key_that_another_load_inserts_while_this_one_merges_is_merged(
    drop, rows, uncommitted, until_blocked, minute, size_bytes, counts, kept
):
    insert = f"insert into jobs values (2, 'theirs', '{NOON}', gen_random_uuid())"
    with uncommitted(insert) as other, ThreadPoolExecutor() as pool:
        loading = pool.submit(drop, "jobs", "1,a\n2,mine\n3,c\n", minute, size_bytes=size_bytes)
        until_blocked()

        other.commit()

    assert loading.result().counts == counts
    assert rows("select job from jobs order by id") == [("a",), (kept,), ("c",)]


def test_a_key_whose_insert_is_rolled_back_is_inserted(drop, rows, uncommitted, until_blocked):
    insert = f"insert into jobs values (2, 'theirs', '{NOON}', gen_random_uuid())"
    with uncommitted(insert) as other, ThreadPoolExecutor() as pool:
        loading = pool.submit(drop, "jobs", "1,a\n2,mine\n")
        until_blocked()

        other.rollback()

    assert loading.result().counts == Counts(inserted=2)
    assert rows("select job from jobs order by id") == [("a",), ("mine",)]


def test_a_stored_row_that_another_load_deletes_meanwhile_is_inserted_again(
    drop, rows, uncommitted, until_blocked
):
    drop("jobs", "2,old\n")
    with uncommitted("delete from jobs where id = 2") as other, ThreadPoolExecutor() as pool:
        loading = pool.submit(drop, "jobs", "1,a\n2,mine\n", 1)
        until_blocked()

        other.commit()

    assert loading.result().counts == Counts(inserted=2)
    assert rows("select job from jobs order by id") == [("a",), ("mine",)]


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "new"])
def test_keys_are_locked_in_their_order_so_that_two_loads_never_deadlock(
    drop, rows, uncommitted, until_blocked, stored
):
    if stored:
        drop("jobs", "2,old\n1,old\n")
        take = "select from jobs where id = {} for update"
    else:
        take = f"insert into jobs values ({{}}, 'theirs', '{NOON}', gen_random_uuid())"
    with ThreadPoolExecutor() as pool, uncommitted(take.format(1)) as other:
        loading = pool.submit(drop, "jobs", "2,b\n1,a\n", 1)
        until_blocked()

        with uncommitted(f"set local lock_timeout = '1s';{take.format(2)}"):
            pass
        other.rollback()

    assert loading.result().counts == (Counts(updated=2) if stored else Counts(inserted=2))
    assert rows("select job from jobs order by id") == [("a",), ("b",)]


@pytest.mark.parametrize("size_bytes", [0, 1])
def test_a_restore_of_the_table_waits_until_a_load_has_ended(
    drop, rows, uncommitted, until_blocked, size_bytes
):
    try_to_restore = f"select pg_try_advisory_xact_lock({restore_lock_key('jobs')})"
    insert = f"insert into jobs values (2, 'theirs', '{NOON}', gen_random_uuid())"
    with ThreadPoolExecutor() as pool, uncommitted(insert):
        loading = pool.submit(drop, "jobs", "1,a\n2,mine\n", 1, size_bytes=size_bytes)
        until_blocked()

        assert rows(try_to_restore) == [(False,)]

    assert loading.result().counts == Counts(inserted=2)
    assert rows(try_to_restore) == [(True,)]


def test_a_row_that_the_table_does_not_take_fails_its_load_and_is_not_lost(drop, rows, engine):
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "create function swallow() returns trigger language plpgsql as"
            " $$ begin return null; end $$;"
            "create trigger swallow before insert on jobs for each row"
            " when (new.id = 2) execute function swallow()"
        )

    with pytest.raises(DatabaseBusy, match="keep inserting the same keys of jobs"):
        drop("jobs", "1,a\n2,b\n")

    assert rows("select id from jobs union all select 0 from loads") == []


def test_an_id_that_another_source_has_taken_is_not_mistaken_for_a_repeat(drop, engine):
    first = drop("jobs", "1,a\n")
    other = Source("another", "batch", "jobs", NOON, batch_id=first.load_id)

    with pytest.raises(DatabaseBusy, match="'another' disappeared"):
        load(engine, other, list)


def test_the_log_has_the_counts_and_reasons_of_each_load(drop, capfd):
    for _ in range(2):
        drop("jobs", "1,a\n2,\n3\n4,\n", identity="gs://uploads/a#1", size_bytes=1)

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(line["message"], line["reasons"]) for line in lines] == [
        ("A load is stored", {"missing": 2, "too_few_fields": 1}),
        ("A load was stored before", {}),
    ]
    for line in lines:
        assert (line["severity"], line["kind"], line["table"]) == ("INFO", "file", "jobs")
        assert line["load_id"] == str(load_id_of("gs://uploads/a#1"))
        assert line["counts"] == Counts(inserted=1, rejected=3).by_name()


LOADS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abc")), min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LOADS, st.randoms())
def test_loads_in_any_order_have_the_outcome_of_loads_in_order(engine, rows, loads, random):
    with transaction(engine) as connection:
        connection.execute(
            sa.text("truncate jobs, hired_employees, loads, rejected_rows, row_versions")
        )
    numbered = list(enumerate(loads))
    random.shuffle(numbered)
    for number, (_, pairs) in numbered:
        text = "".join(f"{key},{value}\n" for key, value in pairs).encode()
        source = Source(f"gs://u/{number}", "file", "jobs", NOON + timedelta(minutes=number))
        load(engine, source, lambda t=text: blocks(tables.find("jobs"), io.BytesIO(t), MAX))

    expected = {key: value for _, pairs in loads for key, value in pairs}
    assert dict(rows("select id, job from jobs")) == expected
