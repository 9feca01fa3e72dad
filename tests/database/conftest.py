"""A PostgreSQL of the tests' own, and a fresh database in it for each test."""

import uuid

import pytest
import sqlalchemy as sa

from shared.database import engine as engines
from shared.database.migrate import migrate
from shared.settings import read


def _engine(url):
    return engines.create(read({"DATABASE_URL": url, "DATABASE_POOL_SIZE": "8"}))


def _admin(url, statement):
    made = _engine(url)
    with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)
    made.dispose()


@pytest.fixture(scope="session")
def postgres_url(platform):
    """The platform's own PostgreSQL; the tests' databases lie beside its own."""
    return platform.database_url


@pytest.fixture(scope="session")
def template(postgres_url):
    """A migrated database to copy from."""
    _admin(postgres_url, "create database migrated")
    url = postgres_url.rsplit("/", 1)[0] + "/migrated"
    made = _engine(url)
    migrate(made)
    made.dispose()
    return url


@pytest.fixture
def database_url(postgres_url, template):
    """A migrated database of this test's own."""
    name = f"test_{uuid.uuid4().hex}"
    _admin(postgres_url, f"create database {name} template migrated")
    yield postgres_url.rsplit("/", 1)[0] + f"/{name}"
    _admin(postgres_url, f"drop database {name} with (force)")


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
