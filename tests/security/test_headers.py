"""Every response of every function has the security headers, whatever the request."""

import json

import pytest
from flask.testing import FlaskClient

from infra import functions
from shared.http.routes import PUBLIC
from tests.security.test_access import FUNCTIONS, GUARDED, ROUTES, address, client, labels
from tests.support import apps

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
INJECTED = {"Origin": "null", "X-Forwarded-Host": "evil.example", "Accept": "text/html"}


def assert_security_headers(response: object) -> None:
    headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers.get("Cache-Control")
    assert "Access-Control-Allow-Origin" not in headers
    assert "evil.example" not in str(headers)


def test_every_function_is_either_an_http_or_an_event_function():
    http = set(apps.names())
    events = {one.name for one in functions.read() if one.trigger.signature == "cloudevent"}
    folders = {path.parent.name for path in (apps.ROOT / "functions").glob("*/main.py")}

    assert http | events == folders
    assert not http & events
    assert {one.name for one in functions.read()} == folders


@pytest.mark.parametrize(("name", "route"), ROUTES, ids=labels(ROUTES))
def test_every_route_has_security_headers_for_every_method_and_token(name, route):
    caller: FlaskClient = client(name)
    tokens = [{}, {"X-Token": "wrong"}, {"X-Token": f"only-{route.scope}"}]
    for method in METHODS:
        for headers in tokens:
            path = address(name, route)
            response = caller.open(path, method=method, headers={**headers, **INJECTED})

            assert_security_headers(response)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_real_functions_answers_without_a_token_have_security_headers(name):
    function = apps.load(name).app.test_client()
    for route in FUNCTIONS[name].routes:
        for path in (address(name, route), f"{address(name, route)}/%00/nothing"):
            assert_security_headers(function.open(path, method=route.method))


@pytest.mark.parametrize(("name", "route"), GUARDED, ids=labels(GUARDED))
def test_head_and_extra_slashes_do_not_bypass_the_token(name, route):
    caller = client(name)
    path = address(name, route)
    paths = [path, f"{path}/", f"{path}?X-Token=only-{route.scope}", f"/{path}", f"/{name}{path}"]
    methods = {route.method, "HEAD" if route.method == "GET" else route.method}
    for variant in paths:
        for method in methods:
            response = caller.open(variant, method=method)

            # 308: the framework redirects // to /, which requires the same token.
            assert response.status_code in (308, 401, 404, 405), (method, variant)


def test_a_problem_is_json_that_browsers_do_not_render_as_a_page():
    caller = client("insert_rows")

    response = caller.get("/insert_rows/<script>alert(1)</script>/x")

    assert response.content_type == "application/problem+json"
    assert "<script>" not in json.dumps(response.get_json())


def test_public_routes_expose_no_rows():
    public = {(name, route.path) for name, route in ROUTES if route.scope == PUBLIC}

    assert all(path == "/healthz" or name in ("api_docs", "dashboard") for name, path in public)
