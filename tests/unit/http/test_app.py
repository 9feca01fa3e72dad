"""A FunctionApp answers every request and reveals no internals."""

import gc
import io
import json
import re
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from types import SimpleNamespace

import msgspec
import pytest
from flask import Request, Response
from werkzeug.exceptions import ImATeapot
from werkzeug.test import EnvironBuilder

from shared import logs
from shared.errors import ConfigurationError, DatabaseRefusal, DatabaseUnavailable, UnknownTable
from shared.http import app as app_module
from shared.http import bodies
from shared.http.app import FunctionApp
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, UNLIMITED, Body, Context, Route
from shared.settings import Settings
from tests.support.problems import assert_problem
from tests.unit.http.conftest import METRICS, ROWS


def show(context: Context) -> Response:
    return json_response(
        {"params": {k: str(v) for k, v in context.params.items()}, "by": context.sender}
    )


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


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


def test_a_path_with_a_slash_too_many_is_unknown_not_redirected(client_of):
    client = client_of(Route("GET", "/batches/<name>", show, scope=PUBLIC))

    assert client.get("/batches/jobs").status_code == 200
    assert_problem(client.get("/batches//jobs"), 404, "unknown-path")


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


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_an_unexpected_error_is_logged_with_its_frames_but_not_its_message(client_of, capfd, link):
    def break_first() -> None:
        raise ValueError("inner secret")

    error = RuntimeError("outer secret")
    try:
        break_first()
    except ValueError as cause:
        setattr(error, link, cause)

    client_of(failing(error)).get("/")

    errors = capfd.readouterr().err
    failed, answered = lines(errors)
    assert failed["message"] == "A call failed"
    assert failed["exception"] == ["RuntimeError", "ValueError"]
    # Where it began, not where it was passed on.
    assert failed["frames"][-1].endswith(" break_first")
    assert answered["status"] == 500
    assert "secret" not in errors


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnavailable("The database is starting."),
        DatabaseRefusal("The database refused."),
        ConfigurationError("Not configured: X."),
    ],
)
def test_an_error_of_the_service_is_logged_with_its_message(client_of, capfd, error):
    client_of(failing(error)).get("/")

    met, answered = lines(capfd.readouterr().err)
    assert (met["message"], met["error"]) == ("A call met an error", str(error))
    assert met["function"] == "things"
    assert answered["message"] == "A call was answered"


@pytest.mark.parametrize(
    "error", [UnknownTable("secret", ("jobs",)), ImATeapot("secret"), Problem(400, "x", "secret")]
)
def test_an_error_of_the_caller_is_not_logged(client_of, capfd, error):
    client_of(failing(error)).get("/")

    printed = capfd.readouterr()
    (answered,) = lines(printed.out)
    assert answered["message"] == "A call was answered"
    assert printed.err == ""
    assert "secret" not in printed.out


@pytest.mark.parametrize(
    ("header", "request_id"),
    [
        ({"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}, "ab" * 16),
        ({"X-Cloud-Trace-Context": f"{'ef' * 16}/1;o=1"}, "ef" * 16),
        ({}, None),
        ({"traceparent": f"00-{'a b' * 16}-{'cd' * 8}-01"}, None),
        ({"X-Cloud-Trace-Context": "short/1"}, None),
    ],
)
@pytest.mark.parametrize("path", ["/", "/nothing", "/failing", "/healthz"])
def test_an_answer_and_its_log_lines_have_the_same_id(client_of, capfd, header, request_id, path):
    def fail(_):
        raise RuntimeError

    def note(_):
        logs.line("INFO", "Something was done")
        return json_response({})

    client = client_of(
        Route("GET", "/", note, scope=PUBLIC), Route("GET", "/failing", fail, scope=PUBLIC)
    )

    response = client.get(path, headers=header)

    found = response.headers["Request-Id"]
    assert found == request_id or (request_id is None and re.fullmatch("[0-9a-f]{32}", found))
    printed = capfd.readouterr()
    logged = [json.loads(line) for line in f"{printed.out}{printed.err}".splitlines()]
    assert len(logged) == {"/": 2, "/nothing": 1, "/failing": 2, "/healthz": 0}[path]
    assert {line["request_id"] for line in logged} <= {found}


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


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        *((200, "INFO"), (400, "INFO"), (402, "INFO"), (404, "INFO"), (499, "INFO")),
        *((401, "WARNING"), (403, "WARNING")),
        *((500, "ERROR"), (503, "ERROR")),
    ],
)
def test_the_log_lines_severity_follows_from_the_status(client_of, capfd, status, severity):
    client_of(Route("GET", "/", lambda _: json_response({}, status), scope=PUBLIC)).get("/")

    (line,) = lines("".join(capfd.readouterr()))
    assert (line["status"], line["severity"]) == (status, severity)


def test_the_log_line_says_how_many_milliseconds_the_call_took(client_of, capfd, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(app_module, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def slow(context: Context) -> Response:
        now[0] += 0.25
        return json_response({})

    client_of(Route("GET", "/", slow, scope=PUBLIC)).get("/")

    (line,) = lines(capfd.readouterr().out)
    assert line["ms"] == 250


def test_a_health_check_is_not_logged(client_of, capfd):
    client_of().get("/healthz")

    assert "".join(capfd.readouterr()) == ""


def test_a_method_that_a_caller_made_up_is_not_logged(capfd):
    handle = FunctionApp("things", {"things": ()}, Settings)

    response = handle(Request(EnvironBuilder(method="SECRETLY").get_environ()))

    assert response.status_code == 404
    (line,) = lines(capfd.readouterr().out)
    assert line["method"] == "OTHER"


def test_a_refused_request_is_logged_without_its_token(client_of, capfd):
    client = client_of(Route("GET", "/", show, scope="rows"))

    client.get("/", headers={"X-Token": METRICS})
    client.get("/", headers={"X-Token": "guessed-token"})

    output = capfd.readouterr().out
    wrong_scope, unknown = lines(output)
    assert (wrong_scope["status"], wrong_scope["refused"]) == (403, "scope of max")
    assert (unknown["status"], unknown["refused"]) == (401, "unknown")
    assert METRICS not in output
    assert "guessed" not in output


@pytest.mark.parametrize("path", ["/", "/ignore", "/nowhere/at/all"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_was_not_needed_is_read_to_its_end(client_of, path, declared):
    """A server that closes a connection with something unread resets it: no answer arrives."""
    client = client_of(
        Route("POST", "/", lambda c: json_response(len(c.request.get_data())), scope="rows"),
        Route("POST", "/ignore", show, scope="rows"),
        max_body_bytes=1000,
    )
    body = io.BytesIO(b"x" * 1_000_000)

    client.post(
        path,
        headers={"X-Token": ROWS},
        environ_overrides={
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": str(1_000_000) if declared else "",
        },
    )

    assert body.tell() == 1_000_000


@pytest.fixture
def large_bodies(client_of):
    """Sends bodies of a size to a route that leaves cycles behind; gives references to these.

    The garbage collector does not run by itself meanwhile.
    """
    left = []

    def leave(context):
        cycle = Cycle()
        cycle.itself = cycle
        left.append(weakref.ref(cycle))
        return json_response(len(context.request.get_data()))

    body = Body("A body.", {"type": "object"}, max_bytes=UNLIMITED)
    client = client_of(Route("POST", "/", leave, scope="rows", body=body))

    def send(size):
        assert client.post("/", headers={"X-Token": ROWS}, data=b"x" * size).status_code == 200
        return left[-1]

    gc.disable()
    yield send
    gc.enable()


class Cycle:
    """An object that refers to itself, as errors and what they are about do."""


def test_what_a_large_body_took_is_collected_before_the_next(large_bodies):
    assert large_bodies(bodies.LARGE_BYTES + 1)() is None
    # A small one is not worth the time.
    assert large_bodies(bodies.LARGE_BYTES)() is not None


def test_more_large_bodies_than_there_are_places_for_are_503(client_of):
    waiting, go_on = Barrier(bodies.LARGE_BODIES + 1), Event()

    def handler(context):
        waiting.wait(5)
        go_on.wait(20)
        return json_response(len(context.request.get_data()))

    body = Body("A body.", {"type": "object"}, max_bytes=UNLIMITED)
    routes = (
        Route("POST", "/", handler, scope="rows", body=body),
        Route("POST", "/small", show, scope="rows", body=body),
        Route(
            "POST", "/file", show, scope="rows", body=msgspec.structs.replace(body, is_file=True)
        ),
    )
    client = client_of(*routes)

    def post(path="/", size=bodies.LARGE_BYTES + 1):
        return client.post(path, headers={"X-Token": ROWS}, data=b"x" * size)

    with ThreadPoolExecutor(bodies.LARGE_BODIES) as pool:
        holding = [pool.submit(post) for _ in range(bodies.LARGE_BODIES)]
        waiting.wait(5)
        assert_problem(refused := post(), 503, "try-again")
        assert refused.headers["Retry-After"]
        assert post("/small", bodies.LARGE_BYTES).status_code == 200
        # A file is passed on as it arrives.
        assert post("/file").status_code == 200
        go_on.set()
        assert [one.result().status_code for one in holding] == [200] * bodies.LARGE_BODIES
    assert post("/small").status_code == 200


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
