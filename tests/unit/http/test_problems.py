"""Every exception has a problem, which says what the caller can do and nothing of the inside."""

import pytest
from werkzeug.exceptions import BadGateway, Forbidden, HTTPException, ImATeapot, InternalServerError

from shared.http import problems
from shared.http.problems import Problem


def test_a_problem_says_what_is_wrong_in_the_log_of_a_test_too():
    assert str(Problem(409, "would-orphan", "Two rows would be orphans.")) == (
        "Two rows would be orphans."
    )


def test_a_problem_may_have_headers_and_members_besides():
    response = Problem(409, "would-orphan", "So.", headers={"X-A": "b"}, rows=2).response()

    assert response.headers["X-A"] == "b"
    assert response.get_json() == {
        "type": "urn:tablegate:problem:would-orphan",
        "title": "Would orphan",
        "status": 409,
        "detail": "So.",
        "rows": 2,
    }


@pytest.mark.parametrize(
    ("error", "status", "slug", "detail"),
    [
        (Forbidden("Not from here."), 403, "forbidden", "Not from here."),
        (ImATeapot(), 418, "im-a-teapot", ImATeapot.description),
        (type("Bare", (HTTPException,), {"code": 404})(), 404, "not-found", "Not Found"),
    ],
)
def test_an_error_of_the_caller_that_werkzeug_raises_keeps_its_status_and_words(
    error, status, slug, detail
):
    found = problems.of(error)

    assert (found.status, found.slug, found.detail) == (status, slug, detail)


@pytest.mark.parametrize(
    "error", [InternalServerError("secret"), BadGateway("secret"), HTTPException("secret")]
)
def test_any_other_error_of_werkzeug_is_an_internal_one(error):
    found = problems.of(error)

    assert (found.status, found.slug) == (500, "internal-error")
    assert "secret" not in found.detail
