"""Every operation of the OpenAPI document, fuzzed: each response fits the document, none is a 5xx.

The validation of rows may be stricter or more lenient than JSON Schema can express; then the
response must say so. Any other difference is an error.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
)

from shared.api import api_docs
from shared.http.document import PROBLEM_TYPES
from shared.http.problems import MEDIA_TYPE as PROBLEM
from shared.http.problems import PREFIX
from tests.support.platform import Platform, running

pytestmark = pytest.mark.slow


EXAMPLES, CHAINS, STEPS = 10, 5, 12
SEED = 20210727
# No schema can express these: they depend on earlier calls and on the platform's buckets.
STATEFUL_PROBLEMS = {"idempotency-key-reused", "unusable-uri", "not-avro"}
LIMITS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

DOCUMENT = json.loads(json.dumps(api_docs.build()))
schema = schemathesis.openapi.from_dict(
    DOCUMENT,
    config=schemathesis.Config.from_dict(
        {"seed": SEED, "generation": {"with-security-parameters": False}}
    ),
    # A file is any bytes for the schema; each that is taken is a load, which takes its time.
).exclude(path_regex="/uploads/")


@pytest.fixture(scope="module")
def own_platform() -> Iterator[Platform]:
    """A platform that the calls may change freely, and try wrong tokens on without end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN_FAILURES_PER_MINUTE", "1000000")
        with running() as started:
            yield started


@pytest.fixture(scope="module")
def connection(own_platform: Platform) -> dict[str, Any]:
    """The platform's address and token, as arguments of a call, which ends if nobody answers."""
    headers = {"X-Token": own_platform.token}
    return {"base_url": own_platform.gateway, "headers": headers, "timeout": 120}


def test_the_platform_serves_the_document_that_is_tested(own_platform: Platform) -> None:
    assert httpx.get(f"{own_platform.gateway}/openapi.json").json() == DOCUMENT


@schema.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Turn numbers such as 1.0 into integers, because only JSON Schema accepts them as such."""
    if isinstance(body, float) and body.is_integer():
        return int(body)
    if isinstance(body, dict):
        return {name: map_body(context, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(context, value) for value in body]
    return body


@schema.parametrize()
@LIMITS
def test_every_response_fits_the_document(
    case: schemathesis.Case, connection: dict[str, Any]
) -> None:
    response = case.call(**connection)

    check_against_document(case, response, connection)


def test_responses_to_chained_calls_fit_the_document(connection: dict[str, Any]) -> None:
    assert sum(chained_calls(schema, connection).values()) > STEPS


def test_the_state_of_an_accepted_batch_fits_the_document(connection: dict[str, Any]) -> None:
    batches = schema.include(path_regex="^/insert_rows/(jobs|batches/.*)$")

    answered = chained_calls(batches, connection)

    assert answered["GET /insert_rows/batches/{batch_id} 200"] > 0


def chained_calls(operations: Any, connection: dict[str, Any]) -> Counter[str]:
    """Make calls that use what earlier ones returned, and count them by operation and status."""
    answered: Counter[str] = Counter()

    class Workflow(operations.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return connection

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            answered[f"{case.operation.label} {response.status_code}"] += 1
            check_against_document(case, response, connection, self.recorder)

    Workflow.run(settings=settings(LIMITS, max_examples=CHAINS, stateful_step_count=STEPS))
    return answered


def check_against_document(
    case: schemathesis.Case,
    response: schemathesis.Response,
    connection: dict[str, Any],
    recorder: Any = None,
) -> None:
    """Fail if the document does not allow the response.

    Ignores the status of a response whose reason no schema can express.
    """
    excluded: list[Any] = []
    if kind := slug(response):
        described = case.operation.definition.raw["responses"][str(response.status_code)]
        assert f"{PREFIX}{kind}" in described[PROBLEM_TYPES]
    if response.status_code in (200, 202) and rejected_rows(response):
        # A batch is accepted for its valid rows, and the response lists the invalid ones.
        excluded.append(negative_data_rejection)
    if "%0A" in urlsplit(str(response.request.url)).path:
        # functions-framework has no route for a path with a line break, and answers by itself.
        assert response.status_code == 404
        excluded.append(content_type_conformance)
    if slug(response) in STATEFUL_PROBLEMS or names_no_single_backup(case):
        excluded.append(positive_data_acceptance)
    case.validate_response(
        response,
        excluded_checks=excluded,
        headers=connection["headers"],
        transport_kwargs=connection,
        recorder=recorder,
    )


def rejected_rows(response: schemathesis.Response) -> int:
    """How many rejected rows the response reports."""
    return int(response.headers.get("tablegate-rejected", ["0"])[0])


def slug(response: schemathesis.Response) -> str:
    """The slug of the problem in the response, or empty."""
    if PROBLEM not in response.headers.get("content-type", [""]):
        return ""
    return str(response.json()["type"]).removeprefix(PREFIX)


def names_no_single_backup(case: schemathesis.Case) -> bool:
    """Whether a restore names both a backup and a file or neither, which is not allowed."""
    if case.operation.tags != ["restore_table"] or not isinstance(case.body, dict):
        return False
    return (case.body.get("backup") is None) == (case.body.get("uri") is None)
