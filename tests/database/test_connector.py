"""Connections through the Cloud SQL connector, with IAM authentication, to a real PostgreSQL."""

import asyncio
import datetime
import socket
import threading
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from google.cloud.sql.connector import Connector

from infra.local import accounts, postgres
from shared.database import copy, engine
from shared.errors import ConfigurationError, DatabaseUnavailable
from shared.settings import read
from tests.database.cloud_sql import Account, CloudSql

INSTANCE, USER = "some-project:europe-west1:some-instance", "ingest-csv@some-project.iam"


@pytest.fixture(scope="module")
def iam_user(stand_ins, postgres_url):
    """A user that PostgreSQL trusts because the proxy has authenticated it, as with IAM users."""
    rules = postgres.data_folder(stand_ins.home, accounts.unprivileged()) / "pg_hba.conf"
    before = rules.read_text()
    admin = engine.create(read({"DATABASE_URL": postgres_url}))

    def run(*statements):
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    rules.write_text(f'host all "{USER}" 127.0.0.1/32 trust\n{before}')
    run(f'create role "{USER}" superuser login', "select pg_reload_conf()")
    yield USER
    rules.write_text(before)
    run("select pg_reload_conf()", f'drop role "{USER}"')
    admin.dispose()


@pytest.fixture
def loop():
    """An event loop in its own thread; the connector does not close the one it creates."""
    made = asyncio.new_event_loop()
    worker = threading.Thread(target=made.run_forever)
    worker.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    worker.join()
    made.close()


@pytest.fixture
def cloud(tmp_path, database_url):
    """A Cloud SQL stand-in in front of the test's own database."""
    url = urlsplit(database_url)
    with CloudSql(INSTANCE, (url.hostname, url.port), tmp_path) as started:
        yield started


@pytest.fixture
def settings(database_url, iam_user):
    """The settings of a function on Google Cloud."""
    return read(
        {
            "CLOUD_SQL_INSTANCE": INSTANCE,
            "CLOUD_SQL_USER": iam_user,
            "CLOUD_SQL_DATABASE": urlsplit(database_url).path[1:],
            "DATABASE_POOL_SIZE": "2",
        }
    )


@pytest.fixture
def connected(cloud, settings, loop):
    """Creates engines that connect through the connector."""
    connector = Connector(
        refresh_strategy="lazy",
        credentials=Account(),
        sqladmin_api_endpoint=cloud.endpoint,
        timeout=5,
        loop=loop,
    )
    made = []

    def make():
        made.append(engine.create(settings, connector))
        return made[-1]

    yield make
    for one in made:
        one.dispose()
    connector.close()


def current_user(connection):
    return connection.scalar(sa.text("select current_user"))


def test_a_connection_is_opened_as_the_iam_user_and_reused(cloud, connected):
    one = connected()

    for _ in range(3):
        with engine.transaction(one) as connection:
            assert current_user(connection) == USER
            assert copy.copy_in(connection, "copy batch_keys from stdin", ()) == 0

    assert one.pool.checkedin() == 1
    # One certificate serves all connections; its request carries the login's token.
    assert sorted(request["path"].rsplit("/", 1)[1] for request in cloud.requests) == [
        "connectSettings",
        "some-instance:generateEphemeralCert",
    ]
    assert [request["access_token"] for request in cloud.requests if "public_key" in request] == [
        "ya29.local"
    ]


def test_consecutive_writes_do_not_wait_for_each_other(connected):
    with connected().connect() as connection:
        usocket = connection.connection.driver_connection._usock
        assert usocket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert usocket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_a_connection_closed_by_the_server_is_replaced_transparently(connected):
    one = connected()
    with one.connect() as connection:
        pid = connection.scalar(sa.text("select pg_backend_pid()"))
    with one.connect() as first, one.connect() as second:
        second.execute(sa.text("select pg_terminate_backend(:pid)"), {"pid": pid})
        first.invalidate()

    with engine.transaction(one) as connection:
        assert current_user(connection) == USER


def test_a_certificate_that_is_about_to_expire_is_renewed(cloud, connected):
    # The connector renews a certificate with less than four minutes left.
    cloud.lifetime = datetime.timedelta(minutes=3)
    one = connected()

    with one.connect() as first, one.connect() as second:
        assert [current_user(first), current_user(second)] == [USER, USER]

    assert sum("public_key" in request for request in cloud.requests) == 2


def test_a_pool_does_not_exceed_its_size(connected):
    one = connected()

    assert (one.pool.size(), one.pool._max_overflow) == (2, 0)


@pytest.mark.parametrize("status", [403, 404])
def test_the_error_for_a_refusing_api_says_what_to_check(cloud, connected, status):
    cloud.status = status

    with (
        pytest.raises(ConfigurationError, match=r"CLOUD_SQL_INSTANCE .* roles/cloudsql.client"),
        engine.transaction(connected()),
    ):
        pass


def test_an_unavailable_api_is_a_transient_error(cloud, connected):
    one = connected()
    cloud.status = 429

    with pytest.raises(DatabaseUnavailable, match="429"), engine.transaction(one):
        pass
    cloud.status = 200
    with engine.transaction(one) as connection:
        assert current_user(connection) == USER
