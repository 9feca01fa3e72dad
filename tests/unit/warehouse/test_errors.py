"""Every error of the BigQuery library is mapped to one of our errors."""

import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from requests import exceptions as requests_exceptions

from shared.errors import WarehouseRefusal, WarehouseUnavailable
from shared.warehouse.errors import error_of, mapped

_ERRORS = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, exceptions.GoogleAPIError)
]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.NotFound("Not found: Table p:warehouse.dim_jobs"), WarehouseRefusal),
        (exceptions.NotFound("Not found: Table p:warehouse.staging_1"), WarehouseUnavailable),
        (exceptions.NotFound("Not found: Job p:US.x"), WarehouseUnavailable),
        (exceptions.Forbidden("x", errors=[{"reason": "rateLimitExceeded"}]), WarehouseUnavailable),
        (exceptions.Forbidden("x", errors=[{"reason": "accessDenied"}]), WarehouseRefusal),
        (
            exceptions.BadRequest("Could not serialize due to concurrent update"),
            WarehouseUnavailable,
        ),
        (exceptions.BadRequest("Syntax error"), WarehouseRefusal),
        (exceptions.BadRequest("Query exceeded limit for bytes billed"), WarehouseRefusal),
    ],
    ids=lambda case: getattr(case, "message", ""),
)
def test_an_error_of_bigquery_is_retryable_or_permanent(error, kind):
    assert type(error_of(error)) is kind


# RFC 9110: an answer that may change by itself. Conflicts are with other calls that run now.
@pytest.mark.parametrize("code", [408, 409, 412, 429, 500, 502, 503, 504])
def test_a_response_that_may_change_by_itself_is_retryable(code):
    assert type(error_of(exceptions.from_http_status(code, "x"))) is WarehouseUnavailable


@pytest.mark.parametrize("code", [400, 401, 403, 405, 410, 413, 430, 501, 505])
def test_a_response_that_stays_the_same_is_permanent(code):
    assert type(error_of(exceptions.from_http_status(code, "x"))) is WarehouseRefusal


def test_an_error_without_a_code_is_retryable():
    assert type(error_of(exceptions.GoogleAPICallError("x"))) is WarehouseUnavailable


@pytest.mark.parametrize("kind", _ERRORS, ids=lambda kind: kind.__name__)
def test_no_error_of_the_library_is_left_unmapped(kind):
    error = kind("x", None) if kind is exceptions.RetryError else kind("x")

    with pytest.raises((WarehouseUnavailable, WarehouseRefusal)), mapped():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        requests_exceptions.ConnectionError(),
        requests_exceptions.Timeout(),
        RefreshError("x"),
        TimeoutError(),
        BrokenPipeError(),
    ],
)
def test_a_connection_error_is_retryable(error):
    with pytest.raises(WarehouseUnavailable), mapped():
        raise error
