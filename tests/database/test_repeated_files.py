"""The same bytes sent again for a table are the same delivery, unless the sender says otherwise."""

from datetime import timedelta

import pytest

from shared.database.engine import transaction
from shared.loading.ledger import Counts, Source, claim, complete, fail
from tests.database.moments import NOON


def test_the_same_bytes_again_overwrite_nothing_and_reinsert_missing_rows(drop, rows, engine):
    first = drop("jobs", "1,a\n2,b\n3,c\n", 0, content="crc32c:1:1")
    drop("jobs", "2,changed\n", 1)
    with transaction(engine) as connection:
        connection.exec_driver_sql("delete from jobs where id = 3")

    again = drop("jobs", "1,a\n2,b\n3,c\n", 2, content="crc32c:1:1")

    assert again.repeats == first.load_id
    assert again.counts == Counts(inserted=1, unchanged=1, superseded=1)
    assert rows("select job from jobs order by id") == [("a",), ("changed",), ("c",)]


def test_the_same_bytes_again_are_loaded_as_newest_if_the_sender_says_so(drop, rows):
    drop("jobs", "1,a\n", 0, content="crc32c:1:1")
    drop("jobs", "1,b\n", 1)

    entry = drop("jobs", "1,a\n", 2, content="crc32c:1:1", newest=True)

    assert entry.counts == Counts(updated=1)
    assert rows("select job from jobs") == [("a",)]


@pytest.mark.parametrize("content", ["crc32c:2:2", None])
def test_other_bytes_of_the_same_table_are_no_repeat(drop, rows, content):
    drop("jobs", "1,a\n", 1, content="crc32c:1:1")

    entry = drop("jobs", "1,b\n", 2, content=content)

    assert (entry.repeats, entry.counts) == (None, Counts(updated=1))
    assert rows("select job, accepted_at from jobs") == [("b", NOON + timedelta(minutes=2))]


def test_the_same_bytes_for_another_table_are_no_repeat(drop, rows):
    drop("jobs", "1,a\n", 1, content="crc32c:1:1")

    entry = drop("departments", "1,a\n", 2, content="crc32c:1:1")

    assert (entry.repeats, entry.accepted_at) == (None, NOON + timedelta(minutes=2))


def test_bytes_that_failed_before_are_no_repeat_once_they_can_be_loaded(drop, engine):
    failed = Source("gs://uploads/f#1", "file", "jobs", NOON, content="crc32c:1:1")
    with transaction(engine) as connection:
        fail(connection, failed, {"code": "not_utf8"})

    entry = drop("jobs", "1,a\n", 2, content="crc32c:1:1")

    assert (entry.repeats, entry.accepted_at) == (None, NOON + timedelta(minutes=2))


def test_bytes_that_a_restore_has_read_are_no_repeat(drop, engine):
    restore = Source("restore 1", "restore", "jobs", NOON, content="crc32c:1:1")
    with transaction(engine) as connection:
        claim(connection, restore)
        complete(connection, restore.load_id, Counts())

    entry = drop("jobs", "1,a\n", 2, content="crc32c:1:1")

    assert (entry.repeats, entry.accepted_at) == (None, NOON + timedelta(minutes=2))


def test_bytes_sent_a_third_time_count_from_the_first_load_that_was_accepted(drop, rows):
    drop("jobs", "1,a\n", 5, content="crc32c:1:1")
    first = drop("jobs", "1,a\n", 1, content="crc32c:1:1", newest=True)
    drop("jobs", "1,b\n", 3)

    entry = drop("jobs", "1,a\n", 7, content="crc32c:1:1")

    assert (entry.repeats, entry.accepted_at) == (first.load_id, NOON + timedelta(minutes=1))


def test_bytes_sent_a_third_time_repeat_the_first_load_and_not_the_second(drop, engine):
    first = drop("jobs", "1,a\n", 1, content="crc32c:1:1")
    drop("jobs", "1,a\n", 2, content="crc32c:1:1")
    with transaction(engine) as connection:
        # Now it lies behind the second, in the order that PostgreSQL reads without being asked.
        connection.exec_driver_sql(
            "update loads set synced_at = now() where load_id = %s", (str(first.load_id),)
        )

    assert drop("jobs", "1,a\n", 3, content="crc32c:1:1").repeats == first.load_id


def test_bytes_that_were_created_before_their_repeat_count_from_their_own_moment(drop):
    drop("jobs", "1,a\n", 5, content="crc32c:1:1")

    entry = drop("jobs", "1,a\n", 2, content="crc32c:1:1")

    assert entry.accepted_at == NOON + timedelta(minutes=2)
