"""Cloud Storage alone, and buckets of each test's own."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from google.cloud import storage

from infra.local import layout as layouts
from tests.support import clients
from tests.support.stand_ins import StandIns


@pytest.fixture(scope="session")
def storage_endpoint(stand_ins: StandIns) -> str:
    """Address of a running Cloud Storage."""
    return stand_ins.storage_endpoint()


@pytest.fixture(scope="session")
def storage_client(storage_endpoint: str) -> Iterator[storage.Client]:
    """A client of that Cloud Storage."""
    client = clients.of_storage(storage_endpoint)
    yield client
    client.close()


@pytest.fixture
def bucket(storage_client: storage.Client) -> str:
    """Name of a bucket of this test's own."""
    return _new(storage_client, "bucket")


@pytest.fixture
def new_buckets(storage_client: storage.Client) -> Callable[[], dict[str, str]]:
    """Makes the platform's buckets, which nobody listens to; gives the variables that name them."""

    def make() -> dict[str, str]:
        return {f"{key.upper()}_BUCKET": _new(storage_client, key) for key in layouts.BUCKETS}

    return make


def _new(client: storage.Client, kind: str) -> str:
    name = f"{kind}-{uuid.uuid4().hex}"
    client.create_bucket(name)
    return name
