"""A token opens the routes of its scopes and no others."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.http import tokens
from shared.http.responses import json_response
from shared.http.routes import Route
from tests.support.problems import assert_problem
from tests.unit.http.conftest import EXPIRED, METRICS, ROWS, token


@pytest.fixture
def client(client_of):
    return client_of(Route("GET", "/", lambda context: json_response(context.sender), scope="rows"))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Token": ROWS},
        {"Authorization": f"Bearer {ROWS}"},
        {"Authorization": f"bearer  {ROWS} "},
        {"X-Token": ROWS, "Authorization": "Bearer someone.elses.token"},
        {"X-Forwarded-Authorization": f"Bearer {ROWS}", "Authorization": "Bearer the.gateways.own"},
    ],
)
def test_a_token_opens_its_scope_and_names_the_sender(client, headers):
    response = client.get("/", headers=headers)

    assert response.status_code == 200
    assert response.get_json() == "ann"


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({}, "token-missing"),
        ({"X-Token": ""}, "token-missing"),
        ({"Authorization": f"Basic {ROWS}"}, "token-missing"),
        ({"X-Token": "wrong"}, "token-refused"),
        ({"X-Token": ROWS.upper()}, "token-refused"),
        ({"X-Token": "ÿ" * 10}, "token-refused"),
        ({"X-Token": EXPIRED}, "token-refused"),
        ({"Authorization": f"Bearer {EXPIRED}"}, "token-refused"),
        ({"X-Token": "wrong", "Authorization": f"Bearer {ROWS}"}, "token-refused"),
    ],
)
def test_without_a_valid_token_a_request_is_401(client, headers, slug):
    response = client.get("/", headers=headers)

    assert_problem(response, 401, slug)
    # RFC 6750: without a token, the challenge names no error.
    assert (
        response.headers["WWW-Authenticate"]
        == {
            "token-missing": 'Bearer realm="tablegate"',
            "token-refused": 'Bearer realm="tablegate", error="invalid_token"',
        }[slug]
    )


def test_a_token_of_another_scope_is_403(client):
    response = client.get("/", headers={"X-Token": METRICS})

    assert_problem(response, 403, "wrong-scope")
    assert 'scope="rows"' in response.headers["WWW-Authenticate"]


def test_no_token_is_accepted_if_none_are_configured(client_of):
    client = client_of(Route("GET", "/", lambda _: json_response({}), scope="rows"), tokens=())

    assert_problem(client.get("/", headers={"X-Token": ROWS}), 401, "token-refused")


def test_a_token_is_valid_until_the_moment_it_expires():
    expires = datetime(2027, 1, 1, tzinfo=UTC)
    configured = (token("ann", ROWS, "rows", expires=expires),)
    call = Request(EnvironBuilder(headers={"X-Token": ROWS}).get_environ())

    before = expires - timedelta(microseconds=1)
    assert tokens.authenticate(call, configured, "rows", now=before).name == "ann"
    for late in (expires, expires + timedelta(microseconds=1)):
        with pytest.raises(tokens.Refusal) as caught:
            tokens.authenticate(call, configured, "rows", now=late)
        assert (caught.value.status, caught.value.refused) == (401, "expired")
