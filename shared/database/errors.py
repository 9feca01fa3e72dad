"""Maps the database driver's errors to ours.

Source: PostgreSQL documentation, Appendix A, "PostgreSQL Error Codes".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.bulkhead import Full
from shared.errors import (
    ConfigurationError,
    DatabaseBusy,
    DatabaseRefusal,
    DatabaseUnavailable,
    TablegateError,
)
from shared.lazy import aiohttp, auth_exceptions, cloud_sql, pg8000
from shared.lazy import sqlalchemy as sa

# Classes, then single codes: 55P03 lock_not_available, 57014 query_canceled.
_UNAVAILABLE = ("08", "53", "57P", "58", "XX")
_BUSY = ("40", "55P03", "55006", "57014", "25P03")
# foreign_key_violation, unique_violation: another session deleted a parent, or took unique values,
# between the check and the insert; a retry finds that out in the check.
_RACES = ("23503", "23505")
# A column or table that this release needs is missing, or does not take NULL or so large a number:
# only another release's schema refuses what the dictionary accepts.
_OUTDATED = ("42703", "42P01", "23502", "22003")
_API_REFUSES = (400, 401, 403, 404)


@contextmanager
def mapped() -> Iterator[None]:
    """Raise the errors of SQLAlchemy and pg8000 as ours."""
    try:
        yield
    except (Full, sa.exc.TimeoutError) as error:
        raise DatabaseBusy("No database connection was free in time; try again.") from error
    except sa.exc.DBAPIError as error:
        raise error_of(error.orig) from error
    except pg8000.exceptions.DatabaseError as error:
        raise error_of(error) from error
    except (OSError, pg8000.exceptions.InterfaceError) as error:
        raise DatabaseUnavailable(
            f"The database is unavailable ({type(error).__name__}); try again."
        ) from error


@contextmanager
def connector_mapped(instance: str) -> Iterator[None]:
    """Raise the errors of the Cloud SQL connector, and the driver's, as ours.

    Raises:
        ConfigurationError: Cloud SQL's API refuses the instance or the account.
        DatabaseUnavailable: Cloud SQL's API, or the source of credentials, did not answer.
    """
    try:
        yield
    except aiohttp.ClientResponseError as error:
        if error.status in _API_REFUSES:
            raise ConfigurationError(
                f"Cloud SQL refused {instance!r} ({error.status}: {error.message}). Check "
                "CLOUD_SQL_INSTANCE and that the account has roles/cloudsql.client."
            ) from error
        raise DatabaseUnavailable(f"Cloud SQL's API answered {error.status}; try again.") from error
    except (
        auth_exceptions.DefaultCredentialsError,
        cloud_sql.exceptions.CloudSQLIPTypeError,
        ValueError,
    ) as error:
        raise ConfigurationError(f"Cloud SQL cannot be reached: {error}") from error
    except (
        aiohttp.ClientError,
        auth_exceptions.GoogleAuthError,
        cloud_sql.exceptions.CloudSQLConnectionError,
    ) as error:
        raise DatabaseUnavailable(
            f"Cloud SQL is unavailable ({type(error).__name__}); try again."
        ) from error


def error_of(error: BaseException | None) -> TablegateError:
    """Map an error of the driver to ours."""
    facts: Any = error.args[0] if error is not None and error.args else {}
    if not isinstance(facts, dict) or "C" not in facts:
        name = type(error).__name__
        return DatabaseUnavailable(f"The database is unavailable ({name}); try again.")
    state = str(facts["C"])
    # The primary message (M) names tables and constraints, but the detail (D) may hold row values.
    sentence = f"{' '.join(str(facts.get('M', '')).split())} (SQLSTATE {state})"
    if state.startswith(_BUSY) or state in _RACES:
        return DatabaseBusy(f"The database is busy: {sentence}; try again.")
    if state in _OUTDATED:
        return DatabaseUnavailable(
            f"The database is not migrated to this release: {sentence}; run "
            "python -m shared.database migrate, then try again."
        )
    if state.startswith(_UNAVAILABLE):
        return DatabaseUnavailable(f"The database is unavailable: {sentence}; try again.")
    return DatabaseRefusal(f"The database refused: {sentence}.")
