"""What many tests assert."""

from typing import Any

from werkzeug.test import TestResponse


def assert_problem(response: TestResponse, status: int, type: str) -> dict[str, Any]:  # noqa: A002
    """The answer is a problem of this status and kind, complete, and tells nothing of the inside.

    Args:
        response: a Flask test client's.
        status: as expected.
        type: the kind's slug.
    """
    document = response.get_json()

    assert response.status_code == status, document
    assert response.content_type == "application/problem+json"
    assert document["type"] == f"urn:tablegate:problem:{type}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"].endswith(".")
    assert "Traceback" not in response.text
    return dict(document)
