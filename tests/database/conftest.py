"""A PostgreSQL of the tests' own, and a fresh database in it for each test."""

import uuid

import pytest
import sqlalchemy as sa
from google.cloud import pubsub_v1

from shared.database import engine as engines
from shared.database.migrate import migrate
from shared.settings import read
from tests.support import clients


def _engine(url):
    return engines.create(read({"DATABASE_URL": url, "DATABASE_POOL_SIZE": "8"}))


def _admin(url, statement):
    made = _engine(url)
    try:
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(statement)
    finally:
        made.dispose()


@pytest.fixture(scope="session")
def postgres_url(platform):
    """The platform's own PostgreSQL; the tests' databases lie beside its own."""
    return platform.database_url


@pytest.fixture(scope="session")
def template(postgres_url):
    """A migrated database to copy from; each folder of tests that has this fixture has its own."""
    name = f"migrated_{uuid.uuid4().hex}"
    _admin(postgres_url, f"create database {name}")
    url = postgres_url.rsplit("/", 1)[0] + f"/{name}"
    made = _engine(url)
    migrate(made)
    made.dispose()
    return url


@pytest.fixture
def new_database(postgres_url, template):
    """Makes migrated databases of this test's own; gives their URLs."""
    names = []

    def make():
        names.append(f"test_{uuid.uuid4().hex}")
        _admin(postgres_url, f"create database {names[-1]} template {template.rsplit('/', 1)[1]}")
        return postgres_url.rsplit("/", 1)[0] + f"/{names[-1]}"

    yield make
    for name in names:
        _admin(postgres_url, f"drop database {name} with (force)")


@pytest.fixture
def database_url(new_database):
    """A migrated database of this test's own."""
    return new_database()


@pytest.fixture
def engine(database_url):
    """An engine on this test's database."""
    made = _engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def rows(engine):
    """Rows of a query, as tuples."""

    def ask(query, **values):
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), values)]

    return ask


@pytest.fixture
def publisher(platform, monkeypatch):
    """Pub/Sub's publisher, on the platform's stand-in."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", platform.description["pubsub"]["endpoint"])
    client = pubsub_v1.PublisherClient()
    yield client
    client.stop()


@pytest.fixture
def client(platform):
    """Cloud Storage, on the platform's stand-in."""
    made = clients.of_storage(platform.description["storage"]["endpoint"])
    yield made
    made.close()


@pytest.fixture
def new_buckets(client):
    """Makes buckets that nobody listens to; gives the variables that name them."""

    def make():
        mark = uuid.uuid4().hex[:8]
        places = ("uploads", "processed", "failed", "staging")
        for place in places:
            client.create_bucket(f"{place}-{mark}")
        return {f"{place.upper()}_BUCKET": f"{place}-{mark}" for place in places}

    return make
