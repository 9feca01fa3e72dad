"""The platform's storage, messages and database, with buckets and a database of each test's own."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.loading.uploads import Uploads
from shared.settings import read
from shared.storage import ObjectStore
from tests.database.conftest import (
    client,
    database_url,
    engine,
    new_buckets,
    new_database,
    postgres_url,
    publisher,
    rows,
    template,
)

__all__ = [
    "client",
    "database_url",
    "engine",
    "new_buckets",
    "new_database",
    "postgres_url",
    "publisher",
    "rows",
    "template",
]


@pytest.fixture
def uploads(platform, engine, client, publisher, new_buckets) -> Uploads:
    """Uploads from buckets that nobody listens to, into this test's database."""
    project = platform.description["pubsub"]["project"]
    settings = read({"GOOGLE_CLOUD_PROJECT": project, **new_buckets()})
    return Uploads(settings, engine, ObjectStore(client), publisher)


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
