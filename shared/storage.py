"""Cloud Storage: objects as streams, and moving them on."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast

from shared.errors import PermanentError, StorageUnavailable
from shared.lazy import api_exceptions, auth_exceptions, gcs, requests

READ_BYTES = 8 << 20
# Cloud Storage's limit for a name; for a segment its stand-in's, whose drafts have longer names.
_MOST_NAME_BYTES, _MOST_SEGMENT_BYTES = 1024, 230
_RETRIED = {408, 409, 429, 500, 502, 503, 504}
_GONE = {404, 410}


@dataclass(frozen=True)
class StoredObject:
    """One generation of an object.

    Attributes:
        bucket: its bucket's name.
        name: its name in the bucket.
        generation: which version of that name.
        created_at: when it was finalized.
        size_bytes: as stored.
        crc32c: checksum of the stored bytes, base64.
        metadata: what its sender attached.
    """

    bucket: str
    name: str
    generation: int
    created_at: datetime
    size_bytes: int
    crc32c: str
    metadata: dict[str, str]

    @property
    def identity(self) -> str:
        """What a load of it is claimed by."""
        # With what PostgreSQL's text cannot hold made visible.
        return f"gs://{self.bucket}/{self.name}#{self.generation}".replace("\x00", "\u2400")

    @property
    def content(self) -> str:
        """What identifies its bytes."""
        return f"crc32c:{base64.b64decode(self.crc32c).hex()}:{self.size_bytes}"


@contextmanager
def mapped() -> Iterator[None]:
    """Turn what the storage library raises inside into our faults."""
    try:
        yield
    except (api_exceptions.GoogleAPICallError, gcs.exceptions.InvalidResponse) as error:
        code = getattr(error, "code", None) or getattr(
            getattr(error, "response", None), "status_code", 0
        )
        if code in _RETRIED or (code in _GONE and _is_upload(error)):
            raise StorageUnavailable(f"Cloud Storage answered {code}; try again.") from error
        raise PermanentError(
            f"Cloud Storage refused with {code}: {type(error).__name__}."
        ) from error
    except (
        requests.RequestException,
        auth_exceptions.TransportError,
        gcs.exceptions.DataCorruption,
        ConnectionError,
    ) as error:
        raise StorageUnavailable(
            f"Cloud Storage is away ({type(error).__name__}); try again."
        ) from error


def _is_upload(error: Any) -> bool:
    """Whether an upload under way was refused: when its session is lost, it has to begin anew."""
    request = getattr(getattr(error, "response", None), "request", None)
    return request is not None and request.method == "PUT" and "upload_id=" in request.url


def find(client: Any, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
    """An object (the generation given, else the live one), or None where there is none.

    Raises:
        StorageUnavailable: try again later.
    """
    with mapped():
        blob = client.bucket(bucket).get_blob(name, generation=generation)
    return None if blob is None else _stored(blob)


def listed(client: Any, bucket: str, created_before: datetime) -> Iterator[StoredObject]:
    """The objects of a bucket created before a moment.

    Raises:
        StorageUnavailable: try again later.
    """
    with mapped():
        for blob in client.list_blobs(bucket):
            if blob.time_created < created_before:
                yield _stored(blob)


@contextmanager
def reading(client: Any, stored: StoredObject) -> Iterator[BinaryIO]:
    """The object's bytes as they are stored, in constant memory.

    Raises:
        StorageUnavailable: try again later.
    """
    blob = client.bucket(stored.bucket).blob(stored.name, generation=stored.generation)
    # raw_download: gzip is unpacked by the gate, whichever way it is declared.
    with mapped(), blob.open("rb", chunk_size=READ_BYTES, raw_download=True) as stream:
        yield cast(BinaryIO, stream)


def write(client: Any, bucket: str, name: str, pieces: Iterable[bytes], content_type: str) -> None:
    """Write an object from pieces, in constant memory; it appears whole or not at all.

    Raises:
        StorageUnavailable: try again later.
    """
    blob = client.bucket(bucket).blob(name)
    with mapped(), blob.open("wb", content_type=content_type, ignore_flush=True) as sink:
        for piece in pieces:
            sink.write(piece)


def content(client: Any, bucket: str, name: str) -> bytes:
    """A small object's bytes.

    Raises:
        StorageUnavailable: try again later.
        PermanentError: there is none.
    """
    with mapped():
        return cast(bytes, client.bucket(bucket).blob(name).download_as_bytes())


def delete_below(client: Any, bucket: str, folder: str) -> None:
    """Delete all objects whose names start with `folder`.

    Raises:
        StorageUnavailable: try again later.
    """
    with mapped():
        for blob in client.list_blobs(bucket, prefix=folder):
            with suppress(api_exceptions.NotFound):
                blob.delete()


def copy_on(client: Any, stored: StoredObject, bucket: str) -> str:
    """Copy an object to another bucket and give the name it has there.

    It keeps its name; where other bytes lie under that name already, its generation is put before
    the ending. May be called again after a crash at any point.

    Raises:
        StorageUnavailable: try again later.
    """
    return _settle(client, stored, bucket, (stored.name, _with_generation(stored)))


def beside(name: str, ending: str) -> str:
    """The name of an object that belongs to another: the other's with an ending of its own.

    A name that would grow too long has its end replaced by a checksum of the whole.
    """
    whole = f"{name}{ending}".encode()
    folder, slash, last = name.rpartition("/")
    if len(whole) <= _MOST_NAME_BYTES and len(f"{last}{ending}".encode()) <= _MOST_SEGMENT_BYTES:
        return whole.decode()
    marked = f"-{zlib.crc32(name.encode()):08x}{ending}"
    size = len(marked.encode())
    kept = f"{folder}{slash}".encode() + last.encode()[: max(_MOST_SEGMENT_BYTES - size, 0)]
    return kept[: _MOST_NAME_BYTES - size].decode("utf-8", "ignore") + marked


def take_away(client: Any, stored: StoredObject) -> None:
    """Delete an object, unless a newer one has its name by now.

    Raises:
        StorageUnavailable: try again later.
    """
    live = find(client, stored.bucket, stored.name)
    # A newer upload of the same name is not ours to delete, and its own event is on its way.
    if live is not None and live.generation == stored.generation:
        with mapped(), suppress(api_exceptions.NotFound):
            client.bucket(stored.bucket).blob(stored.name, generation=stored.generation).delete()


def _settle(client: Any, stored: StoredObject, bucket: str, names: tuple[str, str]) -> str:
    for name in names:
        there = find(client, bucket, name)
        if there is None:
            if not _copy(client, stored, bucket, name):
                continue
            return name
        if there.content == stored.content:
            return name
    # Both names are taken by other bytes: the generation's own was left by a cut-off copy.
    _copy(client, stored, bucket, names[-1], overwrite=True)
    return names[-1]


def _copy(
    client: Any, stored: StoredObject, bucket: str, name: str, *, overwrite: bool = False
) -> bool:
    source = client.bucket(stored.bucket).blob(stored.name, generation=stored.generation)
    target = client.bucket(bucket).blob(name)
    condition = {} if overwrite else {"if_generation_match": 0}
    with mapped():
        try:
            token: str | None = None
            while True:
                token, _, _ = target.rewrite(source, token=token, **condition)
                if token is None:
                    return True
        except api_exceptions.PreconditionFailed:
            return False
        except api_exceptions.NotFound:
            # Gone from its source: an earlier call has moved it.
            return True


def _with_generation(stored: StoredObject) -> str:
    folder, slash, name = stored.name.rpartition("/")
    stem, dot, ending = name.partition(".")
    return beside(f"{folder}{slash}{stem}", f"-{stored.generation}{dot}{ending[-40:]}")


def _stored(blob: Any) -> StoredObject:
    return StoredObject(
        bucket=blob.bucket.name,
        name=blob.name,
        generation=int(blob.generation),
        created_at=blob.time_created,
        size_bytes=int(blob.size),
        crc32c=blob.crc32c,
        metadata=dict(blob.metadata or {}),
    )
