"""The platform's storage, messages and database, with buckets and a database of each test's own."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import pubsub_v1, storage

from shared.loading.uploads import Uploads
from shared.settings import read
from tests.database.conftest import (
    database_url,
    engine,
    new_database,
    postgres_url,
    rows,
    template,
)

__all__ = ["database_url", "engine", "new_database", "postgres_url", "rows", "template"]


@pytest.fixture
def gcs(platform) -> Iterator[Any]:
    """A client of the platform's Cloud Storage."""
    client = storage.Client(
        project="tests",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": platform.description["storage"]["endpoint"]},
    )
    yield client
    client.close()


@pytest.fixture
def uploads(platform, engine, gcs, monkeypatch) -> Iterator[Uploads]:
    """Uploads from buckets that nobody listens to, into this test's database."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", platform.description["pubsub"]["endpoint"])
    mark = uuid.uuid4().hex[:8]
    named = {place: f"{place}-{mark}" for place in ("uploads", "processed", "failed", "staging")}
    for name in named.values():
        gcs.create_bucket(name)
    settings = read(
        {
            "GOOGLE_CLOUD_PROJECT": platform.description["pubsub"]["project"],
            **{f"{place.upper()}_BUCKET": name for place, name in named.items()},
        }
    )
    with pubsub_v1.PublisherClient() as publisher:
        yield Uploads(settings, engine, gcs, publisher)


@pytest.fixture
def drop(uploads) -> Callable[[str, bytes], Any]:
    """Drop a file and have it loaded; gives what the ledger has of it."""

    def act(name: str, content: bytes) -> Any:
        blob = uploads.client.bucket(uploads.settings.uploads_bucket).blob(name)
        blob.upload_from_string(content)
        return uploads.take(uploads.settings.uploads_bucket, name, blob.generation)

    return act


@pytest.fixture
def lying(uploads) -> Callable[[str], list[str]]:
    """The names in one of the buckets: uploads, processed or failed."""

    def act(place: str) -> list[str]:
        bucket = getattr(uploads.settings, f"{place}_bucket")
        return sorted(blob.name for blob in uploads.client.list_blobs(bucket))

    return act
