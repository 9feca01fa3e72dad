"""An address that sends too many wrong tokens gets 429; a right token always opens its calls."""

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.http import throttle
from shared.http.responses import json_response
from shared.http.routes import Route
from shared.http.throttle import Throttle, source_of
from tests.support.problems import assert_problem
from tests.unit.http.conftest import ROWS


@pytest.fixture
def client(client_of):
    route = Route("GET", "/", lambda context: json_response(context.sender), scope="rows")
    return client_of(route, token_failures_per_minute=3)


def through(address):
    """The header as Google's front ends pass it on."""
    return {"X-Forwarded-For": f"{address}, 10.0.0.1"}


def test_too_many_wrong_tokens_from_an_address_are_429(client):
    wrong = {"X-Token": "wrong", **through("203.0.113.7")}
    for _ in range(3):
        assert_problem(client.get("/", headers=wrong), 401, "token-refused")

    refused = client.get("/", headers=wrong)

    assert_problem(refused, 429, "too-many-wrong-tokens")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    other = {"X-Token": "wrong", **through("203.0.113.8")}
    assert_problem(client.get("/", headers=other), 401, "token-refused")
    right = {"X-Token": ROWS, **through("203.0.113.7")}
    assert client.get("/", headers=right).status_code == 200


def test_a_call_without_a_token_is_not_counted(client):
    for _ in range(5):
        assert_problem(client.get("/"), 401, "token-missing")


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (None, "127.0.0.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("made up, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
    ],
)
def test_what_the_caller_writes_into_the_header_is_not_its_source(header, source):
    headers = {} if header is None else {"X-Forwarded-For": header}
    builder = EnvironBuilder(headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})

    assert source_of(Request(builder.get_environ())) == source


def test_a_minute_later_the_count_begins_again():
    now = [100.0]
    failures = Throttle(lambda: now[0])
    assert [failures.fail("a", 2) for _ in range(3)] == [0, 0, 60]
    now[0] = 145.5
    # Whoever waits for so long is not refused for a moment that is left.
    assert failures.fail("a", 2) == 15

    now[0] = 160.0

    assert [failures.fail("a", 2) for _ in range(3)] == [0, 0, 60]


def test_only_so_many_sources_are_kept(monkeypatch):
    monkeypatch.setattr(throttle, "_MOST_SOURCES", 2)
    failures = Throttle()
    for source in ("a", "b", "c"):
        assert failures.fail(source, 1) == 0

    assert failures.fail("b", 1) > 0
    assert failures.fail("c", 1) > 0
    assert failures.fail("a", 1) == 0
