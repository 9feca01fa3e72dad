"""PostgreSQL alone, and a database of its own for each test."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pg8000.native
import pytest
import sqlalchemy as sa

from shared.database import engine as engines
from shared.database.migrate import migrate
from shared.settings import read
from tests.support import clients
from tests.support.stand_ins import StandIns


def connect(url: str) -> sa.Engine:
    """An engine on a database, with as many connections as a test may need at once."""
    return engines.create(read({"DATABASE_URL": url, "DATABASE_POOL_SIZE": "8"}))


@pytest.fixture(scope="session")
def postgres_url(stand_ins: StandIns) -> str:
    """Address of a running PostgreSQL, as its superuser."""
    return stand_ins.database_url()


@pytest.fixture(scope="session")
def superuser(postgres_url: str) -> Iterator[pg8000.native.Connection]:
    """A connection that makes and drops databases; each statement is committed by itself."""
    with closing(clients.connection(postgres_url)) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(postgres_url: str, superuser: pg8000.native.Connection) -> str:
    """Name of a migrated database to copy from."""
    if superuser.run("select from pg_database where datname = 'migrated'"):
        return "migrated"
    superuser.run("create database migrated")
    made = connect(_beside(postgres_url, "migrated"))
    migrate(made)
    made.dispose()
    return "migrated"


@pytest.fixture
def new_database(
    postgres_url: str, superuser: pg8000.native.Connection, template: str
) -> Iterator[Callable[[], str]]:
    """Makes migrated databases of this test's own; gives their URLs."""
    names = []

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        # Copying files takes half the time that writing them to the log does.
        superuser.run(f"create database {name} template {template} strategy file_copy")
        names.append(name)
        return _beside(postgres_url, name)

    yield make
    for name in names:
        superuser.run(f"drop database {name} with (force)")


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """A migrated database of this test's own."""
    return new_database()


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine on this test's database."""
    made = connect(database_url)
    yield made
    made.dispose()


@pytest.fixture
def rows(engine: sa.Engine) -> Callable[..., list[tuple[Any, ...]]]:
    """Rows of a query, as tuples."""

    def ask(query: str, **values: Any) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), values)]

    return ask


def _beside(url: str, name: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{name}"
