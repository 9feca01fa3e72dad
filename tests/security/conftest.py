"""Files dropped in buckets of each test's own, and loaded into a database of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.loading.uploads import Uploads
from shared.settings import read
from shared.storage import ObjectStore


@pytest.fixture
def uploads(quiet_project, engine, storage_client, publisher, new_buckets) -> Uploads:
    """Uploads from buckets that nobody listens to, into this test's database."""
    settings = read({"GOOGLE_CLOUD_PROJECT": quiet_project, **new_buckets()})
    return Uploads(settings, engine, ObjectStore(storage_client), publisher)


@pytest.fixture
def drop(uploads) -> Callable[[str, bytes], Any]:
    """Drop a file and have it loaded; gives what the ledger has of it."""

    def act(name: str, content: bytes) -> Any:
        blob = uploads.objects.client.bucket(uploads.settings.uploads_bucket).blob(name)
        blob.upload_from_string(content)
        return uploads.ingest(uploads.settings.uploads_bucket, name, blob.generation)

    return act


@pytest.fixture
def lying(uploads) -> Callable[[str], list[str]]:
    """The names in one of the buckets: uploads, processed or failed."""

    def act(place: str) -> list[str]:
        bucket = getattr(uploads.settings, f"{place}_bucket")
        return sorted(blob.name for blob in uploads.objects.client.list_blobs(bucket))

    return act
