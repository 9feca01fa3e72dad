"""Cloud Storage that goes away while it is written to."""

from collections.abc import Iterator

import pytest

from shared.errors import PermanentError, StorageUnavailable
from shared.storage import ObjectStore
from tests.platform import contents
from tests.support.platform import Platform

# More than the library sends at once.
PIECE = b"x" * (48 << 20)


def test_an_upload_whose_session_is_lost_may_be_made_again(platform: Platform) -> None:
    def pieces() -> Iterator[bytes]:
        yield PIECE
        platform.kill("storage")
        yield PIECE

    # It was a refusal before, after which nobody comes again.
    with contents.bucket(platform, "backups") as bucket:
        with pytest.raises(StorageUnavailable):
            ObjectStore(bucket.client).write(bucket.name, "lost", pieces(), "text/plain")

        assert ObjectStore(bucket.client).find(bucket.name, "lost") is None


def test_a_bucket_that_is_not_there_is_refused_for_good(platform: Platform) -> None:
    with contents.bucket(platform, "backups") as bucket, pytest.raises(PermanentError):
        ObjectStore(bucket.client).write("no-such-bucket", "x", (b"x",), "text/plain")
