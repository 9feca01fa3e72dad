"""Cloud Storage: files of any size, and an upload during which it becomes unavailable."""

from collections.abc import Iterator

import httpx
import pytest

from infra.local import forwarding
from shared.errors import PermanentError, StorageUnavailable
from shared.storage import ObjectStore
from tests.platform import contents
from tests.support.platform import Platform

# More than the library sends in one request.
PIECE = b"x" * (48 << 20)


def test_an_upload_that_loses_its_session_can_be_retried(platform: Platform) -> None:
    def pieces() -> Iterator[bytes]:
        yield PIECE
        platform.kill("storage")
        yield PIECE

    # It once raised a permanent error, which is not retried.
    with contents.bucket(platform, "backups") as bucket:
        with pytest.raises(StorageUnavailable):
            ObjectStore(bucket.client).write(bucket.name, "lost", pieces(), "text/plain")

        assert ObjectStore(bucket.client).find(bucket.name, "lost") is None


def test_a_missing_bucket_is_a_permanent_error(platform: Platform) -> None:
    with contents.bucket(platform, "backups") as bucket, pytest.raises(PermanentError):
        ObjectStore(bucket.client).write("no-such-bucket", "x", (b"x",), "text/plain")


def test_a_file_of_any_size_is_uploaded_in_one_request(platform: Platform) -> None:
    # More than any HTTP function takes, and in one request, as curl sends it.
    size = 64 << 20
    assert size > forwarding.MOST_BYTES

    def pieces() -> Iterator[bytes]:
        for _ in range(size >> 20):
            yield bytes(1 << 20)

    with contents.bucket(platform, "backups") as bucket:
        address = platform.description["storage"]["endpoint"]
        answer = httpx.post(
            f"{address}/upload/storage/v1/b/{bucket.name}/o",
            params={"uploadType": "media", "name": "large"},
            content=pieces(),
            timeout=60,
        )

        assert answer.status_code == 200, answer.text
        found = ObjectStore(bucket.client).find(bucket.name, "large")
        assert found is not None and found.size_bytes == size
        bucket.blob("large").delete()
