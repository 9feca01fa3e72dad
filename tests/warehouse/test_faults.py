"""Every error of the BigQuery library becomes a fault of ours."""

import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from requests import exceptions as requests_exceptions

from shared.faults import WarehouseAway, WarehouseRefusal
from shared.warehouse.faults import fault_of, mapped

_ERRORS = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, exceptions.GoogleAPIError)
]


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (exceptions.ServiceUnavailable("x"), WarehouseAway),
        (exceptions.InternalServerError("x"), WarehouseAway),
        (exceptions.TooManyRequests("x"), WarehouseAway),
        (exceptions.NotFound("x"), WarehouseAway),
        (exceptions.Forbidden("x", errors=[{"reason": "rateLimitExceeded"}]), WarehouseAway),
        (exceptions.Forbidden("x", errors=[{"reason": "accessDenied"}]), WarehouseRefusal),
        (exceptions.BadRequest("Could not serialize due to concurrent update"), WarehouseAway),
        (exceptions.BadRequest("Syntax error"), WarehouseRefusal),
        (exceptions.BadRequest("Query exceeded limit for bytes billed"), WarehouseRefusal),
    ],
    ids=lambda case: getattr(case, "message", ""),
)
def test_an_error_of_bigquery_is_one_to_try_again_or_not(error, fault):
    assert type(fault_of(error)) is fault


@pytest.mark.parametrize("kind", _ERRORS, ids=lambda kind: kind.__name__)
def test_no_error_of_the_library_is_left_unmapped(kind):
    error = kind("x", None) if kind is exceptions.RetryError else kind("x")

    with pytest.raises((WarehouseAway, WarehouseRefusal)), mapped():
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
def test_a_connection_that_fails_is_to_be_tried_again(error):
    with pytest.raises(WarehouseAway), mapped():
        raise error
