"""Rejects are stored as they were sent, however odd they are."""

import json
from datetime import UTC, datetime

import pytest

from shared import tables
from shared.loading import rejects
from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.loading.reject_queue import Filters, to_correct
from shared.validation.json_batch import check
from shared.validation.storable import KEPT_CHARACTERS, MAX_ROW_BYTES

JOBS = tables.find("jobs")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WELDER = {"id": 99, "job": "Welder"}


@pytest.fixture
def send(engine):
    """Load a batch of jobs; gives its entry."""

    def act(*given, sender="ann"):
        source = Source("a batch", "batch", "jobs", NOON, sender=sender)
        # With every character that is not ASCII escaped, half a surrogate pair too.
        verdict = check(JOBS, json.dumps({"rows": given}).encode(), max_row_bytes=1 << 30)
        return load(engine, source, lambda: [verdict.block(JOBS)])

    return act


def test_rejects_of_any_shape_are_kept_as_they_came(send, rows, engine):
    given = [{"id": 1, "job": "a\nb\\n\u0000"}, "text", None, [1, ["\t"]], {"id": "\\."}]

    entry = send(*given, WELDER)

    assert entry.counts == Counts(inserted=1, rejected=len(given))
    kept = [raw for (raw,) in rows("select raw from rejected_rows order by position")]
    assert kept == [{"id": 1, "job": "a\nb\\n\u2400"}, *given[1:]]
    assert len(list(to_correct(engine, Filters("jobs", load_id=entry.load_id)))) == len(given)


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "a\\", "a\nb\tc", "\\N", "\\.", "\u0001", "ü\u2028"]
)
def test_names_of_unknown_fields_are_kept_as_they_came(send, rows, name):
    assert send({**WELDER, name: 1}, WELDER).counts == Counts(inserted=1, rejected=1)
    assert rows("select errors, reason from rejected_rows") == [
        ([{"field": name, "code": "unknown_field", "facts": {}}], "unknown_field")
    ]


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ({"id": 1, "job": "a\ud800"}, {"id": 1, "job": "a\ufffd"}),
        ({"id": 1, "job": "\udc00\ud83d\\"}, {"id": 1, "job": "\ufffd\ufffd\\"}),
        ({"id": 1, "job": "x", "\ud800": ["\udfff"]}, {"id": 1, "job": "x", "\ufffd": ["\ufffd"]}),
        ("\ud800", "\ufffd"),
    ],
)
def test_half_a_surrogate_pair_rejects_its_row_alone(send, rows, row, kept):
    entry = send({"id": "x\\"}, row, WELDER)

    assert entry.counts == Counts(inserted=1, rejected=2)
    found = [raw for (raw,) in rows("select raw from rejected_rows order by position")]
    assert found == [{"id": "x\\"}, kept]


@pytest.mark.parametrize("sender", ["tab\there\\N", "\\N", "ü"])
def test_the_sender_is_kept_as_it_is_named(send, rows, sender):
    send({"id": 0}, sender=sender)

    assert rows("select sender from rejected_rows") == [(sender,)]


def test_rejects_without_a_sender_have_none(send, rows):
    send({"id": 0}, sender=None)

    assert rows("select sender from rejected_rows") == [(None,)]


def test_the_open_rejects_of_a_load_are_listed_by_their_lines(drop, engine, rows):
    entry = drop("jobs", "1\n2\n3\n4\n5,Welder\n")
    drop("jobs", "1\n5,Welder\n", 1)
    with engine.begin() as connection:
        # Now the first lies behind the others, in the order that PostgreSQL reads without being
        # asked.
        connection.exec_driver_sql(
            "update rejected_rows set status = 'discarded' where position = 2;"
            "update rejected_rows set position = position where position = 1;analyze rejected_rows"
        )

    found = [one[:2] for one in to_correct(engine, Filters("jobs", load_id=entry.load_id))]

    assert found == [(1, ["1"]), (3, ["3"]), (4, ["4"])]


def test_rejects_that_share_their_errors_keep_each_its_own(send, rows):
    blank = {"field": "job", "code": "blank", "facts": {}}
    number = {"field": "job", "code": "not_text", "facts": {}}

    send({"id": 1, "job": ""}, {"id": 2, "job": 5}, {"id": 3, "job": ""}, {"id": 4, "job": 5})

    found = rows("select raw ->> 'id', errors, reason from rejected_rows order by position")
    assert found == [
        ("1", [blank], "blank"),
        ("2", [number], "not_text"),
        ("3", [blank], "blank"),
        ("4", [number], "not_text"),
    ]


LARGE = "\u00e9\t\\" * 200_000


@pytest.mark.parametrize("row", [LARGE, {"id": 1, "job": LARGE, "x": 1}, [LARGE], {LARGE: LARGE}])
def test_a_very_large_row_is_kept_cut_and_says_so(send, rows, row):
    entry = send(row, {"id": 1, "job": ""}, WELDER)

    assert entry.counts == Counts(inserted=1, rejected=2)
    (raw, errors, reason), (small, *_) = rows(
        "select raw, errors, reason from rejected_rows order by position"
    )
    assert raw == json.dumps(row, separators=(",", ":"))[:KEPT_CHARACTERS]
    assert reason != errors[-1]["code"] == "row_cut"
    assert errors[-1]["facts"]["kept"] == KEPT_CHARACTERS < errors[-1]["facts"]["size"]
    assert len(json.dumps(errors)) < rejects.MAX_ERRORS_BYTES
    assert small == {"id": 1, "job": ""}


def test_a_row_up_to_the_size_is_kept_whole(send, rows):
    # With the quotation marks of its JSON.
    row = "x" * (MAX_ROW_BYTES - 2)

    send(row, row + "x")

    assert rows(
        "select raw #>> '{}', jsonb_array_length(errors) from rejected_rows order by position"
    ) == [
        (row, 1),
        (f'"{row}'[:KEPT_CHARACTERS], 2),
    ]


def test_large_errors_are_kept_shortened(send, rows):
    names = ["n" * 2000 + str(number) for number in range(20)]

    send({**WELDER, **dict.fromkeys(names, 1)}, WELDER)

    ((errors,),) = rows("select errors from rejected_rows")
    assert [error["field"] for error in errors] == ["n" * 200 + "\u2026"] * 20
