"""Hostile rows in a batch neither lose nor delay its good rows."""

import json
import random
import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from shared import strict_json, tables
from shared.loading import rejects
from shared.loading.batches import Batch, pack, unpack
from shared.validation import json_batch
from shared.validation.json_batch import BadBatch
from shared.validation.row import MAX_UNKNOWN
from tests.support.cpu_time import least_cpu_seconds

JOBS = tables.find("jobs")
GOOD = '{"id": 1, "job": "Welder"}'
NOW = datetime.now(UTC)


def batch(*rows: str) -> bytes:
    return f'{{"rows": [{", ".join([GOOD, *rows])}]}}'.encode()


def through(body: bytes) -> json_batch.Verdict:
    """The verdict on a body after the round trip through a message, with every reject recorded."""
    validated = Batch(uuid.UUID(int=1), JOBS, "ann", NOW, json_batch.check(JOBS, body))
    verdict = unpack(*pack(validated, body)).verdict
    for reject in verdict.rejects:
        line = rejects.copied(validated.batch_id, "ann", "jobs", [reject])
        assert line.count(b"\n") == 1
        # COPY halves backslashes; a NUL escape behind an escaped backslash is plain text in JSON.
        assert b"\\u0000" not in line.replace(b"\\\\", b"\\").replace(b"\\\\", b"")
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
def test_a_hostile_row_is_rejected_and_the_good_one_is_stored(row):
    verdict = through(batch(row))

    assert list(verdict.rows.values()) == [(1, "Welder")]
    assert [reject.position for reject in verdict.rejects] == [1]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('{"id": 2, "job": %s}' % ("[" * 101 + "]" * 101), "too_deep"),
        ('{"id": 2, "job": %s}' % ("[" * 800 + "]" * 800), "too_deep"),
        ('{"id": 2, "job": "x", "a": 1, "a": 1}', "duplicate_key"),
    ],
)
def test_a_row_that_cannot_be_passed_on_as_json_refuses_the_batch(row, code):
    with pytest.raises(BadBatch) as caught:
        json_batch.check(JOBS, batch(row))

    assert (caught.value.code, caught.value.pointer) == (code, "/rows/1")


def test_values_nested_to_the_limit_pass_and_deeper_ones_do_not():
    deepest = strict_json.MAX_DEPTH
    strict_json.decode(b"[" * deepest + b"]" * deepest)
    strict_json.decode(b"[" + b"[]," * 5000 + b"[]]")

    with pytest.raises(strict_json.NotStrictJson, match="100 levels"):
        strict_json.decode(b'{"a":' * (deepest + 1) + b"1" + b"}" * (deepest + 1))


def cpu_seconds_of_duplicate_key(others: int) -> float:
    """The CPU time to find a duplicate key after so many others."""
    names = ", ".join(f'"a{number}": 1' for number in range(others))
    content = batch(f'{{{names}, "z": 1, "z": 1}}')

    def check() -> None:
        with pytest.raises(BadBatch, match="'z' occurs twice"):
            json_batch.check(JOBS, content)

    return least_cpu_seconds(check)


def test_a_duplicate_key_after_many_others_is_found_in_linear_time():
    # If the occurrences of each key were counted, 8 times the keys would take 64 times as long.
    assert cpu_seconds_of_duplicate_key(80_000) < 25 * cpu_seconds_of_duplicate_key(10_000)


def test_only_some_of_many_unknown_fields_are_listed():
    names = ", ".join(f'"a{number:06}": 1' for number in range(70_000))

    (reject,) = through(batch(f'{{"id": 2, "job": " ", {names}}}')).rejects

    assert [error.field for error in reject.errors][:2] == ["job", "a000000"]
    assert len(reject.errors) == 1 + MAX_UNKNOWN
    assert len(msgspec.json.decode(reject.raw)) == 70_002


@pytest.mark.slow
def test_a_batch_of_the_maximum_body_size_fits_in_a_message():
    # Characters above U+FFFF take three times the space when written as escapes.
    chance = random.Random(7)
    letters = "".join(chr(chance.randrange(0x10000, 0x110000)) for _ in range(2_450_000))
    rows = [{"id": "bad", "job": letters[place::1000]} for place in range(1000)]
    body = json.dumps({"rows": rows}, ensure_ascii=False).encode()
    validated = Batch(uuid.UUID(int=1), JOBS, "ann", NOW, json_batch.check(JOBS, body))

    data, attributes = pack(validated, body)

    assert len(body) > 9_000_000
    # Google's limit for a message, including its attributes.
    assert len(data) < 9_900_000
    assert unpack(data, attributes).verdict.rejects[7].raw == msgspec.Raw(
        msgspec.json.encode(rows[7])
    )
