"""A FunctionApp answers every request and reveals no internals."""

import json

import pytest
from flask import Response

from shared.errors import ConfigurationError, DatabaseRefusal, DatabaseUnavailable, UnknownTable
from shared.http.app import FunctionApp
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, Context, Route
from tests.support.problems import assert_problem
from tests.unit.http.conftest import METRICS, ROWS


def show(context: Context) -> Response:
    return json_response(
        {"params": {k: str(v) for k, v in context.params.items()}, "by": context.sender}
    )


def failing(error: Exception) -> Route:
    def handler(context: Context) -> Response:
        raise error

    return Route("GET", "/", handler, scope=PUBLIC)


@pytest.mark.parametrize("prefix", ["", "/things"])
def test_paths_match_with_and_without_the_functions_name(client_of, prefix):
    client = client_of(
        Route("GET", "/", show, scope=PUBLIC),
        Route("GET", "/<name>", show, scope=PUBLIC),
        Route("GET", "/batches/<uuid:batch_id>", show, scope=PUBLIC),
    )
    batch_id = "0b5cbc8e-6ad7-4ac6-b1f9-0d2e7cf3f1f0"

    assert client.get(f"{prefix}/").get_json()["params"] == {}
    assert client.get(f"{prefix}/jobs").get_json()["params"] == {"name": "jobs"}
    assert client.get(f"{prefix}/jobs/").get_json()["params"] == {"name": "jobs"}
    found = client.get(f"{prefix}/batches/{batch_id}").get_json()["params"]
    assert found == {"batch_id": batch_id}


def test_the_functions_name_alone_is_the_root_path(client_of):
    client = client_of(Route("GET", "/", show, scope=PUBLIC))

    assert client.get("/things").status_code == 200
    assert_problem(client.get("/thingsandmore"), 404, "unknown-path")


def test_an_unknown_path_is_404(client_of):
    client = client_of(Route("GET", "/", show, scope=PUBLIC))

    assert_problem(client.get("/a/b"), 404, "unknown-path")
    assert_problem(client.options("/a/b"), 404, "unknown-path")


def test_a_wrong_method_is_405_and_lists_the_allowed_ones(client_of):
    client = client_of(
        Route("GET", "/", show, scope=PUBLIC), Route("DELETE", "/", show, scope=PUBLIC)
    )

    response = client.post("/")

    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"


def test_options_lists_the_methods_without_a_token(client_of):
    client = client_of(Route("POST", "/<table>", show, scope="rows"))

    response = client.options("/jobs")

    assert response.status_code == 204
    assert response.headers["Allow"] == "OPTIONS, POST"


def test_a_fixed_path_takes_precedence_over_a_placeholder(client_of):
    client = client_of(
        Route("POST", "/all", show, scope=PUBLIC), Route("GET", "/<table>", show, scope=PUBLIC)
    )

    for path in ("/all", "/all/"):
        response = client.get(path)

        assert_problem(response, 405, "method-not-allowed")
        assert response.headers["Allow"] == "OPTIONS, POST"
        assert client.options(path).headers["Allow"] == "OPTIONS, POST"
    assert client.post("/all").status_code == 200
    assert client.get("/jobs").status_code == 200


def test_head_answers_like_get_without_a_body(client_of):
    client = client_of(Route("GET", "/", show, scope=PUBLIC))

    response = client.head("/")

    assert response.status_code == 200
    assert response.data == b""
    assert int(response.headers["Content-Length"]) == len(client.get("/").data)


def test_a_health_check_needs_neither_token_nor_settings():
    def unreadable():
        raise ConfigurationError("Wrongly configured: TOKENS.")

    from flask import Flask, request

    app = Flask("things")
    routes = {"things": [Route("GET", "/", show, scope="rows")]}
    handle = FunctionApp("things", routes, unreadable)
    app.add_url_rule("/<path:path>", "run", lambda path: handle(request))

    assert app.test_client().get("/things/healthz").get_json() == {"status": "ok"}
    assert_problem(app.test_client().get("/things/"), 500, "not-configured")


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (Problem(409, "would-orphan", "Two rows would."), 409, "would-orphan"),
        (UnknownTable("x", ("jobs",)), 404, "unknown-table"),
        (DatabaseUnavailable("The database at 10.0.0.1 is away."), 503, "try-again"),
        (DatabaseRefusal("secret row"), 500, "internal-error"),
        (ConfigurationError("Not configured: X."), 500, "not-configured"),
        (KeyError("secret row"), 500, "internal-error"),
    ],
)
def test_every_exception_becomes_a_problem(client_of, error, status, slug):
    response = client_of(failing(error)).get("/")

    assert_problem(response, status, slug)
    assert "secret" not in response.text
    assert "10.0.0.1" not in response.text


def test_a_transient_error_says_when_to_retry(client_of):
    response = client_of(failing(DatabaseUnavailable("away"))).get("/")

    assert int(response.headers["Retry-After"]) > 0


def test_an_unknown_table_is_answered_with_the_known_ones(client_of):
    response = client_of(failing(UnknownTable("x", ("departments", "jobs")))).get("/")

    assert response.get_json()["tables"] == ["departments", "jobs"]


def test_an_unexpected_error_is_logged_with_its_frames_but_not_its_message(client_of, capfd):
    try:
        raise ValueError("inner secret")
    except ValueError as cause:
        error = RuntimeError("outer secret")
        error.__cause__ = cause

    client_of(failing(error)).get("/")

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    failed = next(line for line in lines if line["message"] == "A call failed")
    assert failed["exception"] == ["RuntimeError", "ValueError"]
    assert any("test_app.py" in frame for frame in failed["frames"])
    assert "secret" not in json.dumps(lines)


def test_each_request_is_one_log_line_with_the_routes_template(client_of, capfd):
    client = client_of(Route("GET", "/<table>", show, scope="rows"))

    client.get(
        "/things/secretly",
        headers={"X-Token": ROWS, "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"},
    )

    (line,) = capfd.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["route"] == "/<table>"
    assert (found["method"], found["status"], found["sender"]) == ("GET", 200, "ann")
    assert found["ms"] >= 0
    assert found["logging.googleapis.com/trace"] == f"projects/p/traces/{'ab' * 16}"
    assert "secretly" not in line
    assert ROWS not in line


def test_a_refused_request_is_logged_without_its_token(client_of, capfd):
    client = client_of(Route("GET", "/", show, scope="rows"))

    client.get("/", headers={"X-Token": METRICS})
    client.get("/", headers={"X-Token": "guessed-token"})

    output = capfd.readouterr().out
    wrong_scope, unknown = map(json.loads, output.splitlines())
    assert (wrong_scope["status"], wrong_scope["refused"]) == (403, "scope of max")
    assert (unknown["status"], unknown["refused"]) == (401, "unknown")
    assert METRICS not in output
    assert "guessed" not in output


def test_every_response_has_security_headers(client_of):
    client = client_of(Route("GET", "/", show, scope=PUBLIC))

    for response in (client.get("/"), client.get("/nowhere/at/all"), client.post("/")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"


def test_a_handlers_own_headers_are_preserved(client_of):
    def cached(context: Context) -> Response:
        return json_response({}, headers={"Cache-Control": "private, max-age=5"})

    client = client_of(Route("GET", "/", cached, scope=PUBLIC))

    assert client.get("/").headers["Cache-Control"] == "private, max-age=5"
