"""Bodies are read within bounds, and strictly."""

import io
import json

import msgspec
import pytest

from shared.http import bodies
from shared.http.responses import json_response
from shared.http.routes import Context, Route
from tests.support.problems import assert_problem
from tests.unit.http.conftest import ROWS

HEADERS = {"X-Token": ROWS}


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    mode: str = "replace"
    ids: list[int] = []


@pytest.fixture
def client(client_of):
    def take(context: Context):
        return json_response(bodies.read(context.request, Wanted))

    def maybe(context: Context):
        return json_response(bodies.read(context.request, Wanted, may_be_empty=True))

    def ignore(context: Context):
        return json_response({})

    return client_of(
        Route("POST", "/", take, scope="rows"),
        Route("POST", "/maybe", maybe, scope="rows"),
        Route("POST", "/ignore", ignore, scope="rows"),
        max_body_bytes=1000,
    )


def test_a_good_body_is_read(client):
    response = client.post("/", json={"ids": [1, 2]}, headers=HEADERS)

    assert response.get_json() == {"mode": "replace", "ids": [1, 2]}


def test_no_body_may_count_as_empty(client):
    assert client.post("/maybe", headers=HEADERS).get_json() == {"mode": "replace", "ids": []}
    assert_problem(client.post("/", headers=HEADERS), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"{}{}", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"\xef\xbb\xbf{}", "not-json"),
        (b'{"mode": "\\ud800"}', "not-json"),
        (b'{"mode": "a", "mode": "b"}', "duplicate-key"),
        (b'{"mode": {"a": 1, "\\u0061": 2}}', "duplicate-key"),
        (b'{"ids": [NaN]}', "not-finite"),
        (b'{"ids": [-Infinity]}', "not-finite"),
        (b'{"ids": "' + b"x" * 10 + b'"}', "invalid-body"),
        (b'{"ids": [1, true]}', "invalid-body"),
        (b'{"ids": [1.5]}', "invalid-body"),
        (b'{"odd": 1}', "invalid-body"),
        (b"[]", "invalid-body"),
        (b"null", "invalid-body"),
    ],
)
def test_a_bad_body_is_400(client, body, slug):
    response = client.post("/", data=body, content_type="application/json", headers=HEADERS)

    assert_problem(response, 400, slug)


def test_a_fault_in_a_body_is_pointed_at(client):
    response = client.post("/", json={"ids": [1, "2"]}, headers=HEADERS)

    assert assert_problem(response, 400, "invalid-body")["pointer"] == "/ids/1"


def test_a_nesting_bomb_is_400(client_of):
    client = client_of(
        Route("POST", "/", lambda c: json_response(bodies.read(c.request, Wanted)), scope="rows")
    )

    for bomb in (b"[" * 1_000_000, b'{"a":' * 200_000):
        response = client.post("/", data=bomb, content_type="application/json", headers=HEADERS)
        assert_problem(response, 400, "too-deep")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/xml", "multipart/form-data"]
)
def test_a_body_that_does_not_say_json_is_415(client, content_type):
    response = client.post("/", data=b"{}", content_type=content_type, headers=HEADERS)

    assert_problem(response, 415, "unsupported-media-type")


def test_json_may_name_its_charset(client):
    response = client.post(
        "/", data=b"{}", content_type="application/json; charset=utf-8", headers=HEADERS
    )

    assert response.status_code == 200


def test_a_compressed_body_is_415(client):
    response = client.post("/", json={}, headers={**HEADERS, "Content-Encoding": "gzip"})

    assert_problem(response, 415, "unsupported-encoding")
    assert response.headers["Accept-Encoding"] == "identity"


class Endless(io.RawIOBase):
    """A body without end, as a hostile client sends it in chunks."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self.given += len(buffer)
        return len(buffer)


@pytest.mark.parametrize("path", ["/", "/ignore", "/nowhere/at/all"])
def test_a_body_without_end_is_read_within_bounds(client, path):
    body = Endless()

    response = client.post(
        path,
        content_type="application/json",
        headers=HEADERS,
        environ_overrides={
            "wsgi.input": io.BufferedReader(body),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": "",
        },
    )

    if path == "/":
        document = assert_problem(response, 413, "body-too-large")
        assert document["limit_bytes"] == 1000
    assert body.given < 40 << 20


def test_a_body_that_says_it_is_too_large_is_413(client):
    body = json.dumps({"mode": "x" * 1000}).encode()

    response = client.post("/", data=body, content_type="application/json", headers=HEADERS)

    assert_problem(response, 413, "body-too-large")


def test_a_body_that_ends_early_is_400(client):
    response = client.post(
        "/",
        input_stream=io.BytesIO(b'{"mode"'),
        content_type="application/json",
        headers=HEADERS,
        environ_overrides={"CONTENT_LENGTH": "100"},
    )

    assert_problem(response, 400, "body-cut-off")
