"""The engine: pooled connections to the database, and transactions on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from shared import deadlines
from shared.bulkhead import Bulkhead
from shared.database import errors
from shared.database.socket import DatabaseSocket, set_options
from shared.errors import ConfigurationError
from shared.lazy import Once, cloud_sql, pg8000
from shared.lazy import sqlalchemy as sa
from shared.settings import Settings

_DRIVERS = ("postgresql", "postgres", "postgresql+pg8000")
_GRACE_SECONDS = 0.25
_BULKHEADS: WeakKeyDictionary[sa.Engine, Bulkhead] = WeakKeyDictionary()


def create(settings: Settings, connector: Any = None) -> sa.Engine:
    """Create an engine for CLOUD_SQL_INSTANCE if that is set, else for DATABASE_URL.

    Connections are checked before use, so that those broken by a restart are replaced. Opening or
    checking one takes `connect_seconds` at most.

    Args:
        settings: where the database is.
        connector: opens connections to Cloud SQL; by default one with the default credentials.

    Raises:
        ConfigurationError: neither is set, or DATABASE_URL is not a PostgreSQL URL.
    """
    engine = sa.create_engine(
        "postgresql+pg8000://",
        creator=(
            _by_connector(connector, settings) if settings.cloud_sql_instance else _by_url(settings)
        ),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_recycle=1800,
    )
    # Not pool_pre_ping, which waits for as long as a server hangs.
    check = partial(_check, engine.dialect, settings.connect_seconds)
    sa.event.listen(engine, "checkout", check)
    _BULKHEADS[engine] = Bulkhead(settings.database_pool_size)
    return engine


@contextmanager
def transaction(engine: sa.Engine, *, lock_timeout_seconds: int = 0) -> Iterator[sa.Connection]:
    """Open a transaction that is committed at the end, or rolled back on any error.

    Within a deadline (`shared.deadlines`), each statement must end before it.

    Args:
        engine: connects to the database.
        lock_timeout_seconds: how long to wait for any lock; 0 means no limit.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
        DatabaseRefusal: retrying cannot help.
    """
    limit_seconds = deadlines.left()
    with (
        errors.mapped(),
        _BULKHEADS[engine].place() if limit_seconds is not None else nullcontext(),
        engine.connect() as connection,
        _dropped_if_lost(connection),
    ):
        if limit_seconds is not None:
            # A server that does not hang ends the statement itself, and the connection is kept.
            sock = _socket(connection.connection.dbapi_connection)
            sock.settimeout(limit_seconds + _GRACE_SECONDS)
        with connection.begin(), _dropped_if_lost(connection):
            _limit(connection, limit_seconds, lock_timeout_seconds)
            yield connection


@contextmanager
def _dropped_if_lost(connection: sa.Connection) -> Iterator[None]:
    """Drop a connection that is out of step with the server.

    The next query would get an earlier one's answer. pg8000 leaves it so if a text can't be
    encoded, and if the server does not answer in time.
    """
    try:
        yield
    except (UnicodeEncodeError, OSError):
        connection.invalidate()
        raise


def _limit(connection: sa.Connection, statement_seconds: float | None, lock_seconds: int) -> None:
    """Let the server, too, end what takes too long; otherwise it would go on and hold its locks."""
    limits = {
        "statement_timeout": int((statement_seconds or 0) * 1000),
        "lock_timeout": lock_seconds * 1000,
    }
    for name, milliseconds in limits.items():
        if milliseconds:
            # Not set_config: after a query it is too late for `set transaction`.
            connection.exec_driver_sql(f"set local {name} = {milliseconds}")


def _check(dialect: Any, timeout_seconds: float, dbapi_connection: Any, *_: Any) -> None:
    """Check that the server answers on a pooled connection; else have another one opened.

    Raises:
        OSError: the server did not answer in time.
    """
    sock = _socket(dbapi_connection)
    try:
        sock.settimeout(deadlines.at_most(timeout_seconds))
        # Otherwise it would begin a transaction.
        dbapi_connection.autocommit = True
        dialect.do_ping(dbapi_connection)
        dbapi_connection.autocommit = False
        sock.settimeout(None)
    except TimeoutError:
        raise
    except (OSError, pg8000.dbapi.Error) as error:
        raise sa.exc.InvalidatePoolError from error


def _socket(dbapi_connection: Any) -> Any:
    return dbapi_connection._usock


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
        seconds = deadlines.at_most(settings.connect_seconds)
        sock = DatabaseSocket.open(url.host or "127.0.0.1", url.port or 5432, seconds)
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
                timeout=deadlines.at_most(settings.connect_seconds),
            )
        set_options(connection._usock)
        return connection

    return open_connection
