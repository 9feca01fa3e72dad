"""Access to every route of every function with every kind of token."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from msgspec.structs import replace

from shared import api
from shared.http.app import FunctionApp
from shared.http.document import path_of
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, PUSH, Route
from shared.settings import SCOPES, Settings, Token
from tests.support import apps
from tests.support.problems import assert_problem

EXPIRED = datetime.now(UTC) - timedelta(seconds=1)
FUNCTIONS = {name: apps.load(name) for name in apps.names()}
ROUTES = [(name, route) for name, found in FUNCTIONS.items() for route in found.routes]
GUARDED = [(name, route) for name, route in ROUTES if route.scope in SCOPES]
PUSHED = [(name, route) for name, route in ROUTES if route.scope == PUSH]


def labels(found: list[tuple[str, Route]]) -> list[str]:
    return [f"{route.method} {path_of(name, route)}" for name, route in found]


def token(text: str, *scopes: str, expires: datetime | None = None) -> Token:
    return Token(text, hashlib.sha256(text.encode()).hexdigest(), frozenset(scopes), expires)


def scopes(route: Route) -> tuple[str, ...]:
    return (route.scope, *route.more_scopes)


def needed(route: Route) -> str:
    """The token with what a route needs and no more."""
    return f"only-{'-and-'.join(scopes(route))}"


def client(name: str) -> FlaskClient:
    """A client of the function's routes, with handlers that only answer 200."""
    tokens = (
        *(token(f"only-{scope}", scope) for scope in SCOPES),
        *(token(needed(route), *scopes(route)) for _, route in GUARDED if route.more_scopes),
        *(token(f"all-but-{scope}", *(set(SCOPES) - {scope})) for scope in SCOPES),
        *(token(f"old-{scope}", scope, expires=EXPIRED) for scope in SCOPES),
    )
    settings = Settings(tokens=tokens, push_audience="a", push_account="b")
    routes = [replace(r, handler=lambda _: json_response({})) for r in FUNCTIONS[name].routes]
    handle = FunctionApp(
        name, {name: [r for r in routes if r.path != "/healthz"]}, lambda: settings
    )
    app = Flask(name)
    for rule in ("/", "/<path:path>"):
        app.add_url_rule(
            rule,
            rule,
            lambda path="": handle(request),
            methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            provide_automatic_options=False,
        )
    return app.test_client()


def address(name: str, route: Route) -> str:
    path = path_of(name, route).replace("{batch_id}", str(UUID(int=1)))
    return path.replace("{", "").replace("}", "")


def refused_tokens(scope: str) -> Iterator[tuple[dict[str, str], int]]:
    yield {}, 401
    for text, status in (
        ("wrong", 401),
        (f"old-{scope}", 401),
        (f"all-but-{scope}", 403),
        (f"only-{scope} ".upper(), 401),
    ):
        yield {"X-Token": text}, status
        yield {"Authorization": f"Bearer {text}"}, status
    yield {"Authorization": f"Basic only-{scope}"}, 401
    yield {"Cookie": f"X-Token=only-{scope}"}, 401


def test_there_are_functions_to_test():
    assert {"api_docs", "store_rows"} <= set(FUNCTIONS)
    assert GUARDED
    assert PUSHED


@pytest.mark.parametrize(("name", "route"), ROUTES, ids=labels(ROUTES))
def test_every_route_declares_its_scope(name, route):
    assert route.scope in (*SCOPES, PUBLIC, PUSH)


def test_only_the_docs_the_dashboard_page_and_health_checks_are_public():
    public = {(name, route.path) for name, route in ROUTES if route.scope == PUBLIC}

    pages = {("dashboard", path) for path in ("/", "/assets/<name>", "/tables", "/metrics")}
    others = {(name, path) for name, path in public if name != "api_docs"} - pages
    assert {path for _, path in others} == {"/healthz"}


@pytest.mark.parametrize(("name", "route"), GUARDED, ids=labels(GUARDED))
def test_no_wrong_token_opens_a_route(name, route):
    caller = client(name)
    for headers, status in refused_tokens(route.scope):
        response = caller.open(address(name, route), method=route.method, headers=headers)

        assert response.status_code == status, headers
        assert "WWW-Authenticate" in response.headers


@pytest.mark.parametrize(("name", "route"), GUARDED, ids=labels(GUARDED))
def test_the_right_token_opens_a_route(name, route):
    for headers in (
        {"X-Token": needed(route)},
        {"Authorization": f"Bearer {needed(route)}"},
    ):
        response = client(name).open(address(name, route), method=route.method, headers=headers)

        assert response.status_code == 200, response.text


def test_a_replay_needs_the_scope_of_rows_as_well():
    (route,) = [route for _, route in GUARDED if route.path == "/replay"]
    for scope in ("rejects", "rows"):
        response = client("rejected_rows").post(
            "/rejected_rows/replay", headers={"X-Token": f"only-{scope}"}
        )

        assert_problem(response, 403, "wrong-scope")
    assert scopes(route) == ("rejects", "rows")


@pytest.mark.parametrize(("name", "route"), PUSHED, ids=labels(PUSHED))
def test_no_api_token_opens_a_push_route(name, route):
    for scope in SCOPES:
        for headers in ({}, {"X-Token": f"only-{scope}"}, {"Authorization": "Bearer a.b.c"}):
            response = client(name).open(address(name, route), method=route.method, headers=headers)

            assert_problem(response, 401, "push-refused")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_real_function_refuses_requests_without_a_token(name):
    function = apps.load(name)
    for route in function.routes:
        response = function.app.test_client().open(address(name, route), method=route.method)

        assert response.status_code == 401 or route.scope == PUBLIC


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_exactly_the_documented_routes(name):
    def declared(routes: tuple[Route, ...]) -> set[tuple[str, str, str]]:
        return {(r.method, r.path, r.scope) for r in routes if r.scope != PUSH}

    documented = declared(api.all_routes().get(name, ()))

    assert declared(FUNCTIONS[name].routes) - documented == {("GET", "/healthz", PUBLIC)}
    assert documented <= declared(FUNCTIONS[name].routes)


def test_every_documented_function_exists():
    assert set(api.all_routes()) <= set(FUNCTIONS)
