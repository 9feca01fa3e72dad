"""The engine: pooled connections to the database, and transactions on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.database import errors
from shared.database.socket import DatabaseSocket, set_options
from shared.errors import ConfigurationError
from shared.lazy import Once, cloud_sql, pg8000
from shared.lazy import sqlalchemy as sa
from shared.settings import Settings

_DRIVERS = ("postgresql", "postgres", "postgresql+pg8000")


def create(settings: Settings, connector: Any = None) -> sa.Engine:
    """Create an engine for CLOUD_SQL_INSTANCE if that is set, else for DATABASE_URL.

    Connections are checked before use, so that those broken by a restart are replaced.

    Args:
        settings: where the database is.
        connector: opens connections to Cloud SQL; by default one with the default credentials.

    Raises:
        ConfigurationError: neither is set, or DATABASE_URL is not a PostgreSQL URL.
    """
    return sa.create_engine(
        "postgresql+pg8000://",
        creator=(
            _by_connector(connector, settings) if settings.cloud_sql_instance else _by_url(settings)
        ),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_recycle=1800,
        pool_pre_ping=True,
    )


@contextmanager
def transaction(engine: sa.Engine, *, lock_timeout_seconds: int = 0) -> Iterator[sa.Connection]:
    """Open a transaction that is committed at the end, or rolled back on any error.

    Args:
        engine: connects to the database.
        lock_timeout_seconds: how long to wait for any lock; 0 means no limit.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
        DatabaseRefusal: retrying cannot help.
    """
    with errors.mapped(), engine.connect() as connection:
        try:
            with connection.begin():
                if lock_timeout_seconds:
                    connection.exec_driver_sql(
                        f"set local lock_timeout = '{int(lock_timeout_seconds)}s'"
                    )
                yield connection
        except UnicodeEncodeError:
            # It leaves pg8000 out of step with the server: the next query would get its response.
            connection.invalidate()
            raise


def _by_url(settings: Settings) -> Any:
    settings.require("database_url")
    try:
        url = sa.make_url(settings.database_url)
    except sa.exc.ArgumentError:
        url = None
    if url is None or url.drivername not in _DRIVERS or not url.database or not url.username:
        raise ConfigurationError(
            "DATABASE_URL must have the form postgresql://user:password@host:port/database."
        )

    def open_connection() -> Any:
        sock = DatabaseSocket.open(url.host or "127.0.0.1", url.port or 5432)
        try:
            return pg8000.dbapi.connect(
                user=url.username, password=url.password, database=url.database, sock=sock
            )
        except Exception:
            sock.close()
            raise

    return open_connection


def _by_connector(connector: Any, settings: Settings) -> Any:
    settings.require("cloud_sql_user")

    @Once
    def made() -> Any:
        # Lazy: a refresh in the background would starve while the CPU is throttled. Made with the
        # first connection, so that a process can start without credentials.
        return connector or cloud_sql.Connector(refresh_strategy="lazy")

    def open_connection() -> Any:
        with errors.connector_mapped(settings.cloud_sql_instance):
            connection = made().connect(
                settings.cloud_sql_instance,
                "pg8000",
                user=settings.cloud_sql_user,
                db=settings.cloud_sql_database,
                enable_iam_auth=True,
                # The connection is already encrypted; asking for that again costs a round trip.
                ssl_context=False,
            )
        set_options(connection._usock)
        return connection

    return open_connection
