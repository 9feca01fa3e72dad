"""Malformed Pub/Sub messages are permanent errors, and are detected within the size limit."""

import gzip
import json
import uuid
import zlib
from datetime import UTC, datetime

import msgspec
import pytest

from shared.errors import MalformedMessage
from shared.loading.batches import unpack
from shared.messages import attribute

NOW = datetime.now(UTC)
ATTRIBUTES = {"table": "jobs", "batch_id": str(uuid.UUID(int=1)), "accepted_at": NOW.isoformat()}
GOOD = b'{"id": 1, "job": "Welder"}'
BATCH = b'{"rows": [%b]}' % GOOD


def message(**rejected: object) -> bytes:
    whole = {"index": 1, "raw": 1, "errors": [{"field": "a", "code": "b", "facts": {}}], **rejected}
    return b'{"rows":[%b],"rejected":[%b]}' % (GOOD, json.dumps(whole).encode())


PACKED = gzip.compress(BATCH)


@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (b"", {}),
        (b"\xff\xfe", {}),
        (message(errors=[]), {}),
        (message(errors=[{"field": "a", "code": "x\ty\nz", "facts": {}}]), {}),
        (message(errors=[{"field": "a", "code": "", "facts": {}}]), {}),
        (message(index=-1), {}),
        (message(index=2**63), {}),
        (message(errors=[{"field": 1, "code": "b"}]), {}),
        (b'{"rows":[],"rejected":[{"raw":%b]}' % (b"[" * 5000), {}),
        (b'{"rows":[%b],"rejected":[1]}' % (b"[" * 5000), {}),
        (PACKED[:-9], {"encoding": "gzip"}),
        (PACKED[:11] + b"\xff\xff\xff" + PACKED[14:], {"encoding": "gzip"}),
        (b"no gzip", {"encoding": "gzip"}),
        (zlib.compress(BATCH), {"encoding": "gzip"}),
        (b'{"rows": [], "rows": [%b]}' % GOOD, {}),
        (BATCH, {"batch_id": "1"}),
        (BATCH, {"accepted_at": "2021-01-01"}),
        (BATCH, {"table": "../jobs\n"}),
        (BATCH, {"kind": "restore"}),
    ],
)
def test_a_message_that_is_not_a_batch_is_malformed_and_not_retried(data, attributes):
    with pytest.raises(MalformedMessage):
        unpack(data, {**ATTRIBUTES, **attributes})


def test_a_message_that_unpacks_beyond_the_limit_is_refused_without_unpacking_it():
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(80)) + packer.flush()

    with pytest.raises(MalformedMessage, match="more than 1000000 bytes"):
        unpack(bomb, {**ATTRIBUTES, "encoding": "gzip"}, 1_000_000)
    with pytest.raises(MalformedMessage, match="unpacks to more than"):
        unpack(bomb, {**ATTRIBUTES, "encoding": "gzip"})


def test_an_attribute_is_truncated_by_bytes_at_a_character_boundary():
    truncated = attribute("a" + "💣" * 1000 + "\ud800")

    assert len(truncated.encode()) == 1021
    assert msgspec.json.decode(msgspec.json.encode(truncated)) == truncated
    assert attribute("\ud800 short") == "? short"
