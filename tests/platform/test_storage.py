"""Cloud Storage that becomes unavailable during an upload."""

from collections.abc import Iterator

import pytest

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
