"""Streams files through a function to the uploads bucket, in constant memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Protocol
from uuid import UUID

import msgspec
from flask import Request, Response
from msgspec import Meta
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from shared import storage, tables, wiring
from shared.api import examples
from shared.http import bodies
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import UNLIMITED, Body, Context, Parameter, ResponseSpec, Route
from shared.loading.ledger import Source
from shared.tables.table import Table

_CHUNK_BYTES = 4 << 20
_MAX_NAME = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ENDING = re.compile(r"\.csv(\.gz)?$", re.IGNORECASE)


class Uploaded(msgspec.Struct):
    """A file that is in the uploads bucket now."""

    load_id: Annotated[UUID, Meta(description="The id that its load will have.")]
    source: str
    table: str
    size_bytes: int


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def object_name(sender: str, table: Table, file_name: str, known: Collection[str]) -> str:
    """Make a unique name in the uploads bucket: `{sender}/{table}/{when}-{random}-{file name}`.

    Only letters, digits, dots and hyphens of the caller's text remain, so it cannot add a folder.

    Args:
        sender: the token's name.
        table: the table of the rows.
        file_name: the name of the file at its sender.
        known: names of all tables; the sender's folder must not have one of these names.
    """
    folder = _safe(sender)
    if folder != sender or folder in known:
        # Two names may look the same without their other characters.
        folder = f"{folder or 'token'}-{hashlib.sha256(sender.encode()).hexdigest()[:12]}"
    base = file_name.replace("\\", "/").rpartition("/")[2]
    ending = _ENDING.search(base)
    stem = _safe(base[: ending.start()] if ending else base) or table.name
    kept = ending[0].lower() if ending else ".csv"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{folder}/{table.name}/{moment}-{token_hex(4)}-{stem}{kept}"


def upload(context: Context) -> Response:
    """Stream the body to the uploads bucket; the object appears whole or not at all."""
    table = tables.find(context.params["table_name"])
    settings, request = wiring.settings(), context.request
    settings.require("uploads_bucket")
    if request.content_encoding not in (None, "", "identity"):
        raise Problem(
            415,
            "unsupported-encoding",
            "The body is compressed in transit; send the file as it is, .csv or .csv.gz.",
            headers={"Accept-Encoding": "identity"},
        )
    if request.mimetype == "multipart/form-data":
        raise Problem(
            415,
            "unsupported-media-type",
            "The body is a form; send the file itself as the body (curl: --data-binary @FILE).",
        )
    body = _opened(request, settings.max_upload_bytes)
    stream = _Bounded(body, settings.max_upload_bytes, request.content_length)
    name = object_name(context.sender, table, request.args.get("name", ""), tables.all_tables())
    bucket = wiring.storage_client().bucket(settings.uploads_bucket)
    # Afterwards the blob knows its generation. By then the file may be loaded and moved.
    blob = bucket.blob(name, chunk_size=_CHUNK_BYTES)
    with bodies.arriving(request), storage.mapped():
        blob.upload_from_file(stream, content_type="text/csv", if_generation_match=0)
    identity = f"gs://{settings.uploads_bucket}/{name}#{int(blob.generation)}"
    source = Source(identity, "file", table.name, datetime.now(UTC))
    done = Uploaded(source.load_id, identity, table.name, stream.tell())
    return json_response(done, 201, {"Location": f"/dashboard/loads/{done.load_id}"})


def _opened(request: Request, limit_bytes: int) -> _Readable:
    bodies.limit(request, limit_bytes, wiring.settings().body_seconds)
    if request.content_length == 0:
        raise Problem(400, "empty-file", "The file is empty; send one with rows.")
    try:
        return request.stream
    except RequestEntityTooLarge:
        raise _too_large(limit_bytes) from None


class _Bounded:
    """A body as a file that is read once: counted, limited, and never shorter than its length."""

    def __init__(self, body: _Readable, limit_bytes: int, promised_bytes: int | None) -> None:
        self._body, self._limit, self._promised = body, limit_bytes, promised_bytes
        self._read = 0

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._read

    def read(self, size: int = -1) -> bytes:
        """Read the next `size` bytes, or fewer at the end."""
        pieces = []
        wanted = size if size >= 0 else self._limit + 1
        while wanted and (piece := self._next(min(wanted, _CHUNK_BYTES))):
            if not self._read and bodies.is_workbook(piece):
                raise bodies.workbook()
            pieces.append(piece)
            wanted -= len(piece)
            self._read += len(piece)
            if self._read > self._limit:
                raise _too_large(self._limit)
        if not self._read:
            raise Problem(400, "empty-file", "The file is empty; send one with rows.")
        return b"".join(pieces)

    def _next(self, size: int) -> bytes:
        try:
            piece = self._body.read(size)
        except RequestEntityTooLarge:
            raise _too_large(self._limit) from None
        except (ClientDisconnected, OSError):
            raise _cut_off() from None
        # If the caller hangs up, gunicorn reports the end of the body.
        if not piece and self._promised is not None and self._read < self._promised:
            raise _cut_off()
        return piece


def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-._")[:_MAX_NAME]


def _cut_off() -> Problem:
    return Problem(400, "body-cut-off", "The file ended early; send it again.")


def _too_large(limit_bytes: int) -> Problem:
    return Problem(
        413,
        "body-too-large",
        f"The file is larger than {limit_bytes} bytes; drop it in the uploads bucket itself, which "
        "takes any size.",
        limit_bytes=limit_bytes,
    )


_LOAD_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")

UPLOAD = Route(
    "POST",
    "/uploads/<table_name>",
    upload,
    scope="rows",
    summary="Upload a file of rows",
    description="Streams the file to the uploads bucket, where it is loaded.",
    parameters=(
        Parameter("table_name", "path", "The table of the rows.", example=examples.TABLE),
        Parameter(
            "name", "query", "The file's name at its sender.", example=f"{examples.TABLE}.csv"
        ),
    ),
    body=Body(
        "The file itself, .csv or .csv.gz, whatever the Content-Type; not a form.",
        {"type": "string", "format": "binary"},
        max_bytes=UNLIMITED,
        is_file=True,
    ),
    responses=(
        ResponseSpec(
            201,
            "Uploaded; it will be loaded.",
            Uploaded,
            Uploaded(
                _LOAD_ID,
                f"gs://tablegate-uploads/ann/{examples.TABLE}/{examples.TABLE}.csv#1",
                examples.TABLE,
                4096,
            ),
            headers={"Location": "Where to ask for the state of the load."},
        ),
    ),
    problems={400: ("empty-file",), 404: ("unknown-table",)},
)
