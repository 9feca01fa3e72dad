"""Batches that are made to hurt: the good rows beside them are neither lost nor held up."""

import json
import random
import time
import uuid
from datetime import UTC, datetime

import pytest

from shared import strict_json, tables
from shared.loading import rejects
from shared.loading.batches import Batch, pack, unpack
from shared.validation import json_batch
from shared.validation.json_batch import BadBatch
from shared.validation.row import MAX_UNKNOWN

JOBS = tables.find("jobs")
GOOD = '{"id": 1, "job": "Welder"}'
NOW = datetime.now(UTC)


def batch(*rows: str) -> bytes:
    return f'{{"rows": [{", ".join([GOOD, *rows])}]}}'.encode()


def through(body: bytes) -> json_batch.Verdict:
    """The verdict on a body as it comes out of the message that carries it, every reject kept."""
    judged = Batch(uuid.UUID(int=1), JOBS, "ann", NOW, json_batch.check(JOBS, body))
    verdict = unpack(*pack(judged, body)).verdict
    for reject in verdict.rejects:
        kept = rejects.copied(judged.batch_id, "ann", "jobs", [reject])
        assert kept.count(b"\n") == 1
        # COPY reads two backslashes as one, and four as two: then it is no escape of JSON's.
        assert b"\\u0000" not in kept.replace(b"\\\\", b"\\").replace(b"\\\\", b"")
        assert reject.reason
    return verdict


@pytest.mark.parametrize(
    "row",
    [
        '{"id": 2, "job": "x", "\\ud800": 1}',
        '{"id": 2, "job": "x", "a\\u0000b": 1}',
        '{"id": 2, "job": "\\udfff\\u0000"}',
        '{"id": 2, "job": "x", "": 1, " ": 1, "\\u202e": {"a": [null]}}',
        '{"id": 1%s, "job": "x"}' % ("0" * 30),
        '{"id": -1%s, "job": "x"}' % ("0" * 5000),
        '{"id": 2, "job": 1.7976931348623157e308}',
        '{"id": 2, "job": %s}' % ("[" * 90 + "]" * 90),
        "[]",
        "null",
        '"\\ud800"',
    ],
)
def test_a_hostile_row_is_turned_away_and_the_good_one_beside_it_is_stored(row):
    verdict = through(batch(row))

    assert list(verdict.rows.values()) == [(1, "Welder")]
    assert [reject.position for reject in verdict.rejects] == [1]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('{"id": 1e999, "job": "x"}', "not_finite"),
        ('{"id": 2, "job": -1e400}', "not_finite"),
        ('{"id": 2, "job": %s}' % ("[" * 101 + "]" * 101), "too_deep"),
        ('{"id": 2, "job": %s}' % ("[" * 800 + "]" * 800), "too_deep"),
        ('{"id": 2, "job": "x", "a": 1, "a": 1}', "duplicate_key"),
    ],
)
def test_what_no_reader_could_be_given_again_refuses_the_batch_before_it_is_taken(row, code):
    with pytest.raises(BadBatch) as caught:
        json_batch.check(JOBS, batch(row))

    assert (caught.value.code, caught.value.pointer) == (code, "/rows/1")


def test_values_as_deep_as_is_allowed_pass_and_one_deeper_does_not():
    deepest = strict_json.MAX_DEPTH
    strict_json.decode(b"[" * deepest + b"]" * deepest)
    strict_json.decode(b"[" + b"[]," * 5000 + b"[]]")

    with pytest.raises(strict_json.NotStrictJson, match="100 levels"):
        strict_json.decode(b'{"a":' * (deepest + 1) + b"1" + b"}" * (deepest + 1))


def test_a_doubled_key_behind_many_others_is_found_at_once():
    names = ", ".join(f'"a{number}": 1' for number in range(200_000))
    started = time.process_time()

    with pytest.raises(BadBatch, match="'z' stands twice"):
        json_batch.check(JOBS, batch(f'{{{names}, "z": 1, "z": 1}}'))

    # One count for each key before it would take minutes.
    assert time.process_time() - started < 5


def test_of_many_unknown_fields_only_some_are_told():
    names = ", ".join(f'"a{number:06}": 1' for number in range(100_000))

    (reject,) = through(batch(f'{{"id": 2, "job": " ", {names}}}')).rejects

    assert [error.field for error in reject.errors][:2] == ["job", "a000000"]
    assert len(reject.errors) == 1 + MAX_UNKNOWN
    assert len(reject.raw) == 100_002


@pytest.mark.slow
def test_a_batch_as_large_as_a_body_may_be_fits_a_message():
    # Characters beyond the first 65,536, written as escapes, take three times the room.
    chance = random.Random(7)
    letters = "".join(chr(chance.randrange(0x10000, 0x110000)) for _ in range(2_450_000))
    rows = [{"id": "bad", "job": letters[place::1000]} for place in range(1000)]
    body = json.dumps({"rows": rows}, ensure_ascii=False).encode()
    judged = Batch(uuid.UUID(int=1), JOBS, "ann", NOW, json_batch.check(JOBS, body))

    data, attributes = pack(judged, body)

    assert len(body) > 9_000_000
    # Google's limit for a message, its attributes with it.
    assert len(data) < 9_900_000
    assert unpack(data, attributes).verdict.rejects[7].raw == rows[7]
