"""Cloud Storage: reads and writes objects as streams, archives and deletes them."""

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
# Cloud Storage limits a whole name. A segment is limited by the file system of its stand-in, which
# uses longer names while it writes.
_MAX_NAME_BYTES, _MAX_SEGMENT_BYTES = 1024, 230
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
        metadata: the custom metadata that its sender attached.
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
        """The text by which a load claims the object."""
        # A NUL character, which PostgreSQL's text cannot hold, is replaced by its symbol.
        return f"gs://{self.bucket}/{self.name}#{self.generation}".replace("\x00", "\u2400")

    @property
    def content(self) -> str:
        """The text that identifies its bytes."""
        return f"crc32c:{base64.b64decode(self.crc32c).hex()}:{self.size_bytes}"


@contextmanager
def mapped() -> Iterator[None]:
    """Raise the storage library's errors as ours."""
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
            f"Cloud Storage is unavailable ({type(error).__name__}); try again."
        ) from error


def _is_upload(error: Any) -> bool:
    """Whether the error is about an upload session: if that is lost, the upload starts again."""
    request = getattr(getattr(error, "response", None), "request", None)
    return request is not None and request.method == "PUT" and "upload_id=" in request.url


@dataclass(frozen=True)
class ObjectStore:
    """Cloud Storage, with its errors mapped.

    Every method raises StorageUnavailable if it may succeed later, and PermanentError if retrying
    cannot help.

    Attributes:
        client: the library's client.
    """

    client: Any

    def find(self, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
        """Find the object of that generation, by default the live one, or return None."""
        with mapped():
            blob = self.client.bucket(bucket).get_blob(name, generation=generation)
        return None if blob is None else _stored(blob)

    def list_objects(self, bucket: str, created_before: datetime) -> Iterator[StoredObject]:
        """List the objects of a bucket that were created before a moment."""
        with mapped():
            for blob in self.client.list_blobs(bucket):
                if blob.time_created < created_before:
                    yield _stored(blob)

    @contextmanager
    def reading(self, stored: StoredObject) -> Iterator[BinaryIO]:
        """Open the object's bytes as they are stored, in constant memory."""
        blob = self._blob(stored.bucket, stored.name, stored.generation)
        # raw_download: the CSV reader unpacks gzip itself, whatever the object's Content-Encoding.
        with mapped(), blob.open("rb", chunk_size=READ_BYTES, raw_download=True) as stream:
            yield cast(BinaryIO, stream)

    def read(self, bucket: str, name: str) -> bytes:
        """Read a small object, which must exist."""
        with mapped():
            return cast(bytes, self._blob(bucket, name).download_as_bytes())

    def write(self, bucket: str, name: str, pieces: Iterable[bytes], content_type: str) -> None:
        """Write an object from pieces, in constant memory; it appears whole or not at all."""
        blob = self._blob(bucket, name)
        with mapped(), blob.open("wb", content_type=content_type, ignore_flush=True) as sink:
            for piece in pieces:
                sink.write(piece)

    def delete(self, bucket: str, name: str) -> None:
        """Delete an object, if it exists."""
        with mapped(), suppress(api_exceptions.NotFound):
            self._blob(bucket, name).delete()

    def delete_below(self, bucket: str, folder: str) -> None:
        """Delete all objects whose names start with `folder`."""
        with mapped():
            for blob in self.client.list_blobs(bucket, prefix=folder):
                with suppress(api_exceptions.NotFound):
                    blob.delete()

    def delete_if_current(self, stored: StoredObject) -> None:
        """Delete an object, unless a newer generation has replaced it."""
        live = self.find(stored.bucket, stored.name)
        # A newer upload of the same name has its own event.
        if live is not None and live.generation == stored.generation:
            with mapped(), suppress(api_exceptions.NotFound):
                self._blob(stored.bucket, stored.name, stored.generation).delete()

    def archive(self, stored: StoredObject, bucket: str) -> str:
        """Copy an object to another bucket; returns the name it has there.

        It keeps its name. If an object with other bytes has that name, the generation is put before
        the ending. May be repeated after a crash at any point.
        """
        names = stored.name, _name_with_generation(stored)
        for name in names:
            there = self.find(bucket, name)
            if there is not None and there.content == stored.content:
                return name
            if there is None and self._copy(stored, bucket, name):
                return name
        # Both names have other bytes. Only an interrupted call can have left the second.
        self._copy(stored, bucket, names[-1], overwrite=True)
        return names[-1]

    def _copy(
        self, stored: StoredObject, bucket: str, name: str, *, overwrite: bool = False
    ) -> bool:
        """Copy an object; return false if another object has taken the name meanwhile."""
        source = self._blob(stored.bucket, stored.name, stored.generation)
        target = self._blob(bucket, name)
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
                # The source is gone: an earlier call has archived it.
                return True

    def _blob(self, bucket: str, name: str, generation: int | None = None) -> Any:
        return self.client.bucket(bucket).blob(name, generation=generation)


def sibling(name: str, ending: str) -> str:
    """Name an object that belongs to another: the other's name with an ending added.

    If it would be too long, the end of the other's name is replaced by a checksum of it.
    """
    whole = f"{name}{ending}".encode()
    folder, slash, last = name.rpartition("/")
    if len(whole) <= _MAX_NAME_BYTES and len(f"{last}{ending}".encode()) <= _MAX_SEGMENT_BYTES:
        return whole.decode()
    marked = f"-{zlib.crc32(name.encode()):08x}{ending}"
    size = len(marked.encode())
    kept = f"{folder}{slash}".encode() + last.encode()[: max(_MAX_SEGMENT_BYTES - size, 0)]
    return kept[: _MAX_NAME_BYTES - size].decode("utf-8", "ignore") + marked


def _name_with_generation(stored: StoredObject) -> str:
    folder, slash, name = stored.name.rpartition("/")
    stem, dot, ending = name.partition(".")
    return sibling(f"{folder}{slash}{stem}", f"-{stored.generation}{dot}{ending[-40:]}")


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
