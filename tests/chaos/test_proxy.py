"""The proxy of the database loses what it should, and only that."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa

from shared.database.engine import create, transaction
from shared.errors import DatabaseUnavailable
from shared.settings import read
from tests.chaos.proxy import DatabaseProxy


@pytest.fixture
def proxy(database_url: str) -> Iterator[DatabaseProxy]:
    """A proxy of the test's database."""
    port = sa.make_url(database_url).port or 5432
    with closing(DatabaseProxy(lambda: port)) as made:
        yield made


@pytest.fixture
def proxied(proxy: DatabaseProxy, database_url: str) -> Iterator[sa.Engine]:
    """An engine whose connections go through the proxy."""
    url = sa.make_url(database_url).set(host="127.0.0.1", port=proxy.port)
    engine = create(read({"DATABASE_URL": url.render_as_string(hide_password=False)}))
    yield engine
    engine.dispose()


def insert(engine: sa.Engine, number: int) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"insert into seen values ({number})")


def test_a_commit_whose_answer_is_lost_is_in_the_database(
    proxy: DatabaseProxy, proxied: sa.Engine, engine: sa.Engine
) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql("create table seen (number int)")
    losing = threading.Thread(target=proxy.lose_commits, args=(1.0,))
    losing.start()

    number = 0
    with pytest.raises(DatabaseUnavailable):
        while losing.is_alive():
            number += 1
            insert(proxied, number)
    losing.join()
    insert(proxied, number + 1)

    with transaction(engine) as connection:
        found = connection.exec_driver_sql("select number from seen order by 1").scalars().all()
    assert proxy.lost == 1
    # With the one whose caller got an error.
    assert found == [*range(1, number + 2)]
