"""The engine and its pool: one per process, made at first use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.database import errors
from shared.database.channel import Channel, tune
from shared.errors import ConfigurationError
from shared.lazy import Once, cloud_sql, pg8000
from shared.lazy import sqlalchemy as sa
from shared.settings import Settings

_DRIVERS = ("postgresql", "postgres", "postgresql+pg8000")


def create(settings: Settings, connector: Any = None) -> sa.Engine:
    """An engine for Cloud SQL where CLOUD_SQL_INSTANCE is set, else for DATABASE_URL.

    Connections are checked before use, so one that died with a restart is replaced unseen.

    Args:
        settings: where the database is.
        connector: opens connections to Cloud SQL; by default the process's own, with the
            credentials of its surroundings.

    Raises:
        ConfigurationError: neither is set, or DATABASE_URL is no PostgreSQL URL.
    """
    return sa.create_engine(
        "postgresql+pg8000://",
        creator=(
            _through(connector, settings) if settings.cloud_sql_instance else _direct(settings)
        ),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_recycle=1800,
        pool_pre_ping=True,
    )


@contextmanager
def transaction(engine: sa.Engine, *, lock_timeout_seconds: int = 0) -> Iterator[sa.Connection]:
    """A connection inside a transaction that is committed at the end, or undone on any error.

    Args:
        engine: where.
        lock_timeout_seconds: how long any lock is waited for; 0 waits without end.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
        DatabaseRefusal: never.
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
            # pg8000 is out of step with the server after one; the next query would answer wrongly.
            connection.invalidate()
            raise


def _direct(settings: Settings) -> Any:
    settings.require("database_url")
    try:
        url = sa.make_url(settings.database_url)
    except sa.exc.ArgumentError:
        url = None
    if url is None or url.drivername not in _DRIVERS or not url.database or not url.username:
        raise ConfigurationError(
            "DATABASE_URL must read postgresql://user:password@host:port/database."
        )

    def open_connection() -> Any:
        channel = Channel.to(url.host or "127.0.0.1", url.port or 5432)
        try:
            return pg8000.dbapi.connect(
                user=url.username, password=url.password, database=url.database, sock=channel
            )
        except Exception:
            channel.close()
            raise

    return open_connection


def _through(connector: Any, settings: Settings) -> Any:
    settings.require("cloud_sql_user")

    @Once
    def made() -> Any:
        # A background refresh started at import starves under a throttled CPU; lazily there is
        # none. Made with the first connection, so that a process may start without credentials.
        return connector or cloud_sql.Connector(refresh_strategy="lazy")

    def open_connection() -> Any:
        with errors.connector_mapped(settings.cloud_sql_instance):
            connection = made().connect(
                settings.cloud_sql_instance,
                "pg8000",
                user=settings.cloud_sql_user,
                db=settings.cloud_sql_database,
                enable_iam_auth=True,
                # The channel is encrypted already: asking for it again costs a round trip.
                ssl_context=False,
            )
        tune(connection._usock)
        return connection

    return open_connection
