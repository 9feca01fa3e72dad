"""Batches of rows: their identity, and the message that carries a batch to its table."""

import gzip
import hmac
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared import tables
from shared.errors import MalformedMessage, UnknownTable
from shared.messages import publish
from shared.settings import Settings
from shared.tables.kinds.integer import MAX_INTEGER
from shared.tables.table import Table
from shared.validation import json_batch
from shared.validation.json_batch import BadBatch, Verdict
from shared.validation.row import FieldError, Reject
from shared.validation.rows import Block
from shared.validation.storable import storable_json

# Pub/Sub takes messages of up to 10 MB; many rejects make a message larger than its body was.
_COMPRESS_ABOVE_BYTES = 9_000_000
_MARK_BYTES = 6


@dataclass(frozen=True)
class BatchClaim:
    """What identifies a batch.

    Attributes:
        batch_id: the id of its load.
        accepted_at: when its rows were accepted; for a repeated batch, the time of the first call.
        repeated: whether its idempotency key was sent before.
    """

    batch_id: UUID
    accepted_at: datetime
    repeated: bool = False


@dataclass(frozen=True)
class Batch:
    """A validated batch.

    Attributes:
        batch_id: the id of its load.
        table: the table of its rows.
        sender: the name of the token it was sent with.
        accepted_at: when its rows were accepted.
        verdict: its rows, validated.
        kind: `batch`, or `replay` of rejected rows.
    """

    batch_id: UUID
    table: Table
    sender: str
    accepted_at: datetime
    verdict: Verdict
    kind: Literal["batch", "replay"] = "batch"

    def block(self) -> Block:
        """Return the rows in the form that the write path takes."""
        return self.verdict.block(self.table)


class _Error(msgspec.Struct):
    field: str
    # The code goes into COPY text unescaped.
    code: Annotated[str, Meta(pattern="^[a-z_]{1,60}$")]
    facts: dict[str, Any] = {}


class _Rejected(msgspec.Struct):
    index: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
    raw: msgspec.Raw
    errors: Annotated[list[_Error], Meta(min_length=1)]


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[msgspec.Raw]
    rejected: list[_Rejected] = []


_DECODER = msgspec.json.Decoder(_Content)


def new_claim(secret: str) -> BatchClaim:
    """Make the claim of a batch without an idempotency key.

    Args:
        secret: what only its sender's calls come with; `is_issued` needs the same.
    """
    made = bytearray(os.urandom(16))
    # RFC 9562, version 8: a UUID whose bits have a meaning of one's own.
    made[6] = made[6] & 0x0F | 0x80
    made[8] = made[8] & 0x3F | 0x80
    made[-_MARK_BYTES:] = _mark(made, secret)
    return BatchClaim(UUID(bytes=bytes(made)), datetime.now(UTC))


def is_issued(batch_id: UUID, secret: str) -> bool:
    """Return whether `new_claim` has made this id with this secret.

    The id itself shows it, so that batches are taken without a note of their ids, even while the
    database is away.
    """
    made = bytearray(batch_id.bytes)
    return hmac.compare_digest(bytes(made[-_MARK_BYTES:]), _mark(made, secret))


def _mark(made: bytearray, secret: str) -> bytes:
    return hmac.digest(secret.encode(), made[:-_MARK_BYTES], "sha256")[:_MARK_BYTES]


def publish_batch(publisher: Any, settings: Settings, batch: Batch, body: bytes) -> None:
    """Publish a batch, and wait until Pub/Sub has acknowledged it.

    Raises:
        MessagesUnavailable: it may have arrived nevertheless; publishing it again is harmless.
    """
    data, attributes = pack(batch, body)
    publish(publisher, settings, settings.batches_topic, data, **attributes)


def pack(batch: Batch, body: bytes) -> tuple[bytes, dict[str, str]]:
    """Encode a batch as the data and the attributes of one message.

    Args:
        batch: the batch.
        body: the JSON it was sent as, used as the data if all its rows are valid.
    """
    verdict = batch.verdict
    data = body
    if verdict.raw is not None:
        rejected = [
            {
                "index": reject.position,
                "raw": reject.raw,
                "errors": [error.as_json() for error in reject.errors],
            }
            for reject in verdict.rejects
        ]
        data = b'{"rows":[%b],"rejected":%b}' % (
            b",".join(verdict.raw),
            msgspec.json.encode(rejected),
        )
    attributes = {
        "batch_id": str(batch.batch_id),
        "table": batch.table.name,
        "sender": batch.sender,
        "accepted_at": batch.accepted_at.isoformat(),
        "kind": batch.kind,
    }
    if len(data) > _COMPRESS_ABOVE_BYTES:
        data = gzip.compress(data, compresslevel=1)
        attributes["encoding"] = "gzip"
    return data, attributes


def unpack(data: bytes, attributes: Mapping[str, str], max_bytes: int = 32 << 20) -> Batch:
    """Decode the batch that a message carries, and validate its rows again.

    Args:
        data: the message's content.
        attributes: its attributes.
        max_bytes: the largest size that it may unpack to.

    Raises:
        MalformedMessage: `pack` did not make this message.
    """
    try:
        table = tables.find(attributes["table"])
        batch_id = UUID(attributes["batch_id"])
        accepted_at = datetime.fromisoformat(attributes["accepted_at"])
        kind = attributes.get("kind", "batch")
        if attributes.get("encoding") == "gzip":
            data = _unzipped(data, max_bytes)
        verdict = _verdict(table, data)
    except KeyError as error:
        raise MalformedMessage(f"A batch message lacks its attribute {error}.") from error
    except (ValueError, zlib.error, UnknownTable, BadBatch, msgspec.MsgspecError) as error:
        raise MalformedMessage(f"A message does not hold a batch: {error}") from error
    if accepted_at.tzinfo is None or kind not in ("batch", "replay"):
        raise MalformedMessage("A batch message has a wrong accepted_at or kind.")
    return Batch(
        batch_id,
        table,
        attributes.get("sender", ""),
        accepted_at,
        verdict,
        "replay" if kind == "replay" else "batch",
    )


def _unzipped(data: bytes, max_bytes: int) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    found = inflate.decompress(data, max_bytes)
    if not inflate.eof:
        raise ValueError(f"it is truncated, or unpacks to more than {max_bytes} bytes")
    return found


def _verdict(table: Table, data: bytes) -> Verdict:
    if not data.endswith(b"]}") or b'"rejected"' not in data:
        return json_batch.check(table, data, len(data))
    try:
        content = _DECODER.decode(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    rejects = [
        Reject(
            r.index,
            storable_json(bytes(r.raw)),
            tuple(FieldError(e.field, e.code, e.facts) for e in r.errors),
        )
        for r in content.rejected
    ]
    if not content.rows:
        return Verdict(len(rejects), {}, rejects, [])
    body = b'{"rows":[%b]}' % b",".join(bytes(raw) for raw in content.rows)
    verdict = json_batch.check(table, body, len(body))
    size = verdict.size + len(rejects)
    # The valid rows are at the positions without a reject.
    rejected = {reject.position for reject in rejects}
    moved = verdict.moved([index for index in range(size) if index not in rejected])
    return Verdict(size, moved.rows, rejects + moved.rejects, moved.raw)
