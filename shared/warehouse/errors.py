"""Maps BigQuery's errors to ours.

Source: BigQuery documentation, "Error messages", error table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import TablegateError, WarehouseRefusal, WarehouseUnavailable
from shared.lazy import api_exceptions, auth_exceptions, requests

_RETRIED = {408, 409, 412, 429, 500, 502, 503, 504}
_RETRIED_REASONS = {
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "quotaExceeded",
    "rateLimitExceeded",
    "tableUnavailable",
}
# BigQuery answers a concurrent change of the same table with 400; only the text differs.
_CONCURRENT = "concurrent update"
# A staging table belongs to a sync, and a job to a call: the next one makes its own.
_PASSING = re.compile(r"Not found: (Job |Table \S*[.]staging_)")


@contextmanager
def mapped() -> Iterator[None]:
    """Raise the BigQuery library's errors as ours."""
    try:
        yield
    except api_exceptions.GoogleAPICallError as error:
        raise error_of(error) from error
    except (
        api_exceptions.GoogleAPIError,
        requests.RequestException,
        auth_exceptions.GoogleAuthError,
        OSError,
        TimeoutError,
    ) as error:
        raise WarehouseUnavailable(
            f"BigQuery is unavailable ({type(error).__name__}); try again."
        ) from error


def error_of(error: api_exceptions.GoogleAPICallError) -> TablegateError:
    """Map an error response of BigQuery to our error."""
    sentence = " ".join(str(error.message).split())[:500]
    if isinstance(error, api_exceptions.NotFound):
        if _PASSING.search(sentence):
            return WarehouseUnavailable(f"BigQuery found no such job or staging table: {sentence}")
        return WarehouseRefusal(
            f"BigQuery has no such table: {sentence} Run python -m shared.warehouse apply; what "
            "it makes is filled by the next sweep."
        )
    reasons = {str(detail.get("reason")) for detail in error.errors if isinstance(detail, dict)}
    if (
        error.code in _RETRIED
        or reasons & _RETRIED_REASONS
        or _CONCURRENT in sentence
        or error.code is None
    ):
        return WarehouseUnavailable(f"BigQuery is unavailable or busy: {sentence} Try again.")
    return WarehouseRefusal(f"BigQuery refused: {sentence}")
