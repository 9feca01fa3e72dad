"""Batches on their way from the gate to their table: the message, and storing it."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared import tables
from shared.errors import MalformedMessage, UnknownTable
from shared.tables.fields import MAX_INTEGER
from shared.tables.table import Table
from shared.validation import json_batch
from shared.validation.json_batch import BadBatch, Verdict
from shared.validation.row import FieldError, Reject, storable
from shared.validation.rows import Block

# Pub/Sub takes 10 MB a message; a batch with many rejects may outgrow its body.
_PACK_ABOVE_BYTES = 9_000_000


@dataclass(frozen=True)
class Batch:
    """A batch that passed the gate.

    Attributes:
        batch_id: what its load will be called by.
        table: where its good rows go.
        sender: whose token it came with.
        accepted_at: when it was published.
        kind: `batch`, or `replay` of rows that had been turned away.
        verdict: its rows, judged.
    """

    batch_id: UUID
    table: Table
    sender: str
    accepted_at: datetime
    verdict: Verdict
    kind: Literal["batch", "replay"] = "batch"

    def block(self) -> Block:
        """The rows as the write path takes them."""
        return self.verdict.block()


class _Error(msgspec.Struct):
    field: str
    # It is written as it stands.
    code: Annotated[str, Meta(pattern="^[a-z_]{1,60}$")]
    facts: dict[str, Any] = {}


class _Rejected(msgspec.Struct):
    index: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
    raw: Any
    errors: Annotated[list[_Error], Meta(min_length=1)]


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[msgspec.Raw]
    rejected: list[_Rejected] = []


_DECODER = msgspec.json.Decoder(_Content)


def pack(batch: Batch, body: bytes) -> tuple[bytes, dict[str, str]]:
    """A batch as data and attributes of one message.

    Args:
        batch: the batch.
        body: the JSON it came as; travels on untouched where every row of it is good.
    """
    verdict = batch.verdict
    data = body
    if verdict.raw is not None:
        rejected = [
            {
                "index": reject.position,
                "raw": storable(reject.raw),
                "errors": [error.as_json() for error in reject.errors],
            }
            for reject in verdict.rejects
        ]
        data = b'{"rows":[%b],"rejected":%b}' % (
            b",".join(verdict.raw),
            # As it came: written out as escapes, it could be larger than Pub/Sub takes.
            json.dumps(rejected, ensure_ascii=False).encode(),
        )
    attributes = {
        "batch_id": str(batch.batch_id),
        "table": batch.table.name,
        "sender": batch.sender,
        "accepted_at": batch.accepted_at.isoformat(),
        "kind": batch.kind,
    }
    if len(data) > _PACK_ABOVE_BYTES:
        data = gzip.compress(data, compresslevel=1)
        attributes["encoding"] = "gzip"
    return data, attributes


def unpack(data: bytes, attributes: Mapping[str, str], max_bytes: int = 64 << 20) -> Batch:
    """The batch that a message carries; its rows are judged anew.

    Args:
        data: the message's content.
        attributes: its attributes.
        max_bytes: the most that it may unpack to.

    Raises:
        MalformedMessage: the message is none that `pack` made.
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
        raise MalformedMessage(f"A message is no batch: {error}") from error
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
        raise ValueError(f"it is cut off, or unpacks to more than {max_bytes} bytes")
    return found


def _verdict(table: Table, data: bytes) -> Verdict:
    if not data.endswith(b"]}") or b'"rejected"' not in data:
        return json_batch.check(table, data)
    try:
        content = _DECODER.decode(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    turned_away = [
        Reject(r.index, r.raw, tuple(FieldError(e.field, e.code, e.facts) for e in r.errors))
        for r in content.rejected
    ]
    if not content.rows:
        return Verdict(len(turned_away), {}, turned_away, [])
    body = b'{"rows":[%b]}' % b",".join(bytes(raw) for raw in content.rows)
    verdict = json_batch.check(table, body)
    taken = {reject.position for reject in turned_away}
    size = verdict.size + len(turned_away)
    moved = verdict.moved(_free(size, taken))
    return Verdict(size, moved.rows, turned_away + moved.rejects, moved.raw)


def _free(size: int, taken: set[int]) -> Sequence[int]:
    return [index for index in range(size) if index not in taken]
