"""A batch survives the way through Pub/Sub: rows, rejects, positions and who sent it."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest

from shared import tables
from shared.errors import MalformedMessage
from shared.loading.batches import Batch, is_issued, new_claim, pack, unpack
from shared.validation.json_batch import check
from shared.validation.row import FieldError

JOBS = tables.find("jobs")
ID = UUID(int=7)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ATTRIBUTES = {
    "batch_id": str(ID),
    "table": "jobs",
    "sender": "ann",
    "accepted_at": NOON.isoformat(),
    "kind": "batch",
}


def body(*rows):
    return json.dumps({"rows": rows}).encode()


def batch(content, **changes):
    parts = {"kind": "batch", "sender": "ann", **changes}
    return Batch(ID, JOBS, parts["sender"], NOON, check(JOBS, content), parts["kind"])


@pytest.mark.parametrize(
    "given",
    [
        [{"id": 1, "job": "Welder"}, {"id": 2, "job": "Tester"}],
        [{"id": 1, "job": "Welder"}, {"id": "x", "job": "Bad"}, 7, {"id": 2, "job": "Tester"}],
        [{"id": 0, "job": "\ud83d\x00"}, {"id": 1, "job": '"rejected"]}'}],
        [{"id": 1}, {"job": " ", "id": 2}],
        [{"id": 1, "job": '"rejected"'}],
    ],
    ids=["good", "mixed", "odd text", "bad", "text like a key"],
)
def test_rows_and_rejects_keep_their_positions_on_the_way_through_a_message(given):
    sent = batch(body(*given))

    received = unpack(*pack(sent, body(*given)))

    assert received.verdict.size == len(given)
    assert dict(received.verdict.rows) == dict(sent.verdict.rows)
    assert [(r.position, r.errors) for r in received.verdict.rejects] == [
        (r.position, r.errors) for r in sent.verdict.rejects
    ]


@pytest.mark.parametrize("kind", ["batch", "replay"])
@pytest.mark.parametrize("sender", ["ann", ""])
def test_what_identifies_a_batch_arrives_with_it(kind, sender):
    sent = batch(body({"id": 1, "job": "Welder"}), kind=kind, sender=sender)

    received = unpack(*pack(sent, body({"id": 1, "job": "Welder"})))

    assert (received.batch_id, received.table, received.accepted_at) == (ID, JOBS, NOON)
    assert (received.kind, received.sender) == (kind, sender)


def test_a_message_without_a_kind_or_sender_is_a_batch_of_nobody():
    named = {name: ATTRIBUTES[name] for name in ("batch_id", "table", "accepted_at")}

    received = unpack(body({"id": 1, "job": "Welder"}), named)

    assert (received.kind, received.sender) == ("batch", "")


@pytest.mark.parametrize("missing", ["batch_id", "table", "accepted_at"])
def test_a_message_that_lacks_an_attribute_is_malformed_and_the_text_names_it(missing):
    attributes = {name: value for name, value in ATTRIBUTES.items() if name != missing}

    with pytest.raises(MalformedMessage, match=f"lacks its attribute '{missing}'"):
        unpack(body({"id": 1, "job": "Welder"}), attributes)


def test_only_a_message_that_nears_pubsubs_limit_is_compressed():
    sent = batch(body({"id": 1, "job": "Welder"}))
    small, large = body({"id": 1, "job": "Welder"}), b" " * 9_500_000
    large = body({"id": 1, "job": "Welder"}) + large

    data, attributes = pack(sent, small)
    assert (data, attributes) == (small, ATTRIBUTES)

    data, attributes = pack(sent, large)
    assert attributes == {**ATTRIBUTES, "encoding": "gzip"}
    assert len(data) < 100_000
    assert dict(unpack(data, attributes).verdict.rows) == {0: (1, "Welder")}


def test_rejects_are_packed_in_the_characters_they_came_in():
    """Escapes would make some messages three times as large, more than Pub/Sub takes."""
    content = json.dumps({"rows": [{"id": "x", "job": "💣" * 1000}]}, ensure_ascii=False).encode()

    data, _ = pack(batch(content), content)

    assert len(data) < 1.1 * len(content)


def test_a_reject_that_a_message_brings_along_is_not_judged_again():
    error = {"field": "job", "code": "blank", "facts": {"a": 1}}
    rejected = {"index": 0, "raw": {"id": 1, "job": "fine"}, "errors": [error]}
    content = json.dumps({"rows": [{"id": 2, "job": "Welder"}, {"id": 3, "job": ""}]})[:-1]
    data = f'{content},"rejected":[{json.dumps(rejected)}]}}'.encode()

    verdict = unpack(data, ATTRIBUTES).verdict

    assert (verdict.size, dict(verdict.rows)) == (3, {1: (2, "Welder")})
    assert [(r.position, r.reason) for r in verdict.rejects] == [(0, "blank"), (2, "blank")]
    kept = verdict.rejects[0]
    assert msgspec.json.decode(kept.raw) == {"id": 1, "job": "fine"}
    assert kept.errors == (FieldError("job", "blank", {"a": 1}),)


def test_an_id_shows_whether_it_was_issued_and_to_whom():
    issued = [new_claim("s").batch_id for _ in range(100)]

    assert all(is_issued(one, "s") for one in issued)
    assert not any(is_issued(one, "another secret") for one in issued)
    assert not any(is_issued(uuid4(), "s") for _ in range(100))
    for bit in (0, 79, 80, 127):
        assert not is_issued(UUID(int=issued[0].int ^ 1 << bit), "s")
    assert {one.version for one in issued} == {8}


def test_a_batch_without_a_key_gets_an_id_of_its_own_and_is_no_repeat():
    before = datetime.now(UTC)
    first, second = new_claim("s"), new_claim("s")

    assert first.batch_id != second.batch_id
    assert not first.repeated
    assert before <= first.accepted_at <= second.accepted_at <= datetime.now(UTC)
