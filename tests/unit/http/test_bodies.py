"""Request bodies have a size limit and are parsed strictly."""

import gzip
import io
import json

import msgspec
import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.http import bodies
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import Context, Route
from tests.support.problems import assert_problem
from tests.unit.http.conftest import ROWS

HEADERS = {"X-Token": ROWS}
JSON = {**HEADERS, "Content-Type": "application/json"}


class Body(msgspec.Struct, forbid_unknown_fields=True):
    mode: str = "replace"
    ids: list[int] = []


@pytest.fixture
def client(client_of):
    def parse(context: Context):
        return json_response(bodies.read(context.request, Body))

    def parse_optional(context: Context):
        return json_response(bodies.read(context.request, Body, may_be_empty=True))

    def ignore(context: Context):
        return json_response({})

    return client_of(
        Route("POST", "/", parse, scope="rows"),
        Route("POST", "/maybe", parse_optional, scope="rows"),
        Route("POST", "/ignore", ignore, scope="rows"),
        max_body_bytes=1000,
    )


def test_a_valid_body_is_parsed(client):
    response = client.post("/", json={"ids": [1, 2]}, headers=HEADERS)

    assert response.get_json() == {"mode": "replace", "ids": [1, 2]}


def test_a_route_may_accept_no_body_as_empty(client):
    assert client.post("/maybe", headers=HEADERS).get_json() == {"mode": "replace", "ids": []}
    assert_problem(client.post("/", headers=HEADERS), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"{}{}", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"\xef\xbb\xbf{", "not-json"),
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
def test_an_invalid_body_is_400(client, body, slug):
    response = client.post("/", data=body, content_type="application/json", headers=HEADERS)

    assert_problem(response, 400, slug)


def test_an_invalid_value_is_located_by_a_json_pointer(client):
    response = client.post("/", json={"ids": [1, "2"]}, headers=HEADERS)

    assert assert_problem(response, 400, "invalid-body")["pointer"] == "/ids/1"


def test_a_nesting_bomb_is_400(client_of):
    client = client_of(
        Route("POST", "/", lambda c: json_response(bodies.read(c.request, Body)), scope="rows")
    )

    for bomb in (b"[" * 1_000_000, b'{"a":' * 200_000):
        response = client.post("/", data=bomb, content_type="application/json", headers=HEADERS)
        assert_problem(response, 400, "too-deep")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/xml", "multipart/form-data"]
)
def test_a_content_type_other_than_json_is_415(client, content_type):
    response = client.post("/", data=b"{}", content_type=content_type, headers=HEADERS)

    assert_problem(response, 415, "unsupported-media-type")


def test_the_content_type_may_name_a_charset(client):
    response = client.post(
        "/", data=b"{}", content_type="application/json; charset=utf-8", headers=HEADERS
    )

    assert response.status_code == 200


@pytest.mark.parametrize("coding", ["", "identity", "gzip", "GZIP", "x-gzip"])
def test_a_body_may_be_compressed_with_gzip(client, coding):
    body = b'{"mode": "a"}'
    if "gzip" in coding.lower():
        # Two members, as concatenated files have.
        body = gzip.compress(body[:5]) + gzip.compress(b"") + gzip.compress(body[5:])

    response = client.post("/", data=body, headers={**JSON, "Content-Encoding": coding})

    assert response.status_code == 200


def test_a_compressed_body_is_limited_unpacked(client):
    bomb = gzip.compress(b" " * 50_000_000)

    response = client.post("/", data=bomb, headers={**JSON, "Content-Encoding": "gzip"})

    assert_problem(response, 413, "body-too-large")


@pytest.mark.parametrize("body", [b"{}", b"", gzip.compress(b"{}")[:-4], b"\x1f\x8bnothing"])
def test_what_is_not_gzip_is_400(client, body):
    response = client.post("/", data=body, headers={**JSON, "Content-Encoding": "gzip"})

    assert response.status_code == 400


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, br"])
def test_a_body_in_another_coding_is_415(client, coding):
    response = client.post("/", json={}, headers={**HEADERS, "Content-Encoding": coding})

    assert_problem(response, 415, "unsupported-encoding")
    assert response.headers["Accept-Encoding"] == "gzip, identity"


def test_a_byte_order_mark_is_skipped(client):
    response = client.post("/", data=b"\xef\xbb\xbf{}", headers=JSON)

    assert response.status_code == 200


@pytest.mark.parametrize("beginning", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_a_workbook_is_named_as_one(client, beginning):
    response = client.post("/", data=beginning + bytes(100), headers=JSON)

    assert "workbook" in assert_problem(response, 415, "unsupported-media-type")["detail"]


class Endless(io.RawIOBase):
    """An endless body, as a hostile client sends it in chunks.

    It does end at 64 MB, so that code without a limit fails a test and doesn't fill the memory.
    """

    def __init__(self) -> None:
        self.sent = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if self.sent >= 64 << 20:
            return 0
        self.sent += len(buffer)
        return len(buffer)


@pytest.mark.parametrize("path", ["/", "/ignore", "/nowhere/at/all"])
def test_an_endless_body_is_read_only_up_to_a_limit(client, path):
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
    assert body.sent < 40 << 20


def test_a_content_length_over_the_limit_is_413(client):
    body = json.dumps({"mode": "x" * 1000}).encode()

    response = client.post("/", data=body, content_type="application/json", headers=HEADERS)

    assert_problem(response, 413, "body-too-large")


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413), (1002, 413)])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_may_be_as_large_as_the_limit_and_no_larger(client, size, status, declared):
    text = json.dumps({"mode": ""})
    body = json.dumps({"mode": "x" * (size - len(text))}).encode()

    response = client.post(
        "/",
        content_type="application/json",
        headers=HEADERS,
        environ_overrides={
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": str(size) if declared else "",
        },
    )

    assert len(body) == size
    assert response.status_code == status
    if status == 413:
        document = assert_problem(response, 413, "body-too-large")
        assert document["limit_bytes"] == 1000
        assert "larger than 1000 bytes" in document["detail"]


def test_a_body_that_ends_early_is_400(client):
    response = client.post(
        "/",
        input_stream=io.BytesIO(b'{"mode"'),
        content_type="application/json",
        headers=HEADERS,
        environ_overrides={"CONTENT_LENGTH": "100"},
    )

    assert_problem(response, 400, "body-cut-off")


def call(*headers: tuple[str, str]) -> Request:
    return Request(EnvironBuilder(headers=headers).get_environ())


@pytest.mark.parametrize(
    ("preference", "seconds"),
    [
        *(("wait=7", 7), ("WAIT=7", 7), ("wait = 7", 7), ('wait="7"', 7), (" wait=7 ", 7)),
        *(("respond-async, wait=7", 7), ("wait=7,respond-async", 7), ("wait=7 ; x=1", 7)),
        *(("wait=30", 30), ("wait=31", 30), ("wait=999999999", 30), ("wait=0", 0)),
        *(("", 0), ("wait", 0), ("wait=", 0), ("wait=soon", 0), ("wait=-1", 0), ("wait=7s", 0)),
        *(("await=7", 0), ("waiting=7", 0), ("respond-async; wait=7", 0)),
        ("wait=" + "9" * 5000, 0),
    ],
)
def test_a_caller_may_wait_as_long_as_it_prefers_and_the_call_allows(preference, seconds):
    assert bodies.wait_seconds(call(("Prefer", preference)), most=30) == seconds


def test_a_call_without_a_preference_does_not_wait():
    assert bodies.wait_seconds(call(), most=30) == 0


def test_preferences_may_come_in_several_headers():
    given = call(("Prefer", "respond-async"), ("Prefer", "wait=7"))

    assert bodies.wait_seconds(given, most=30) == 7


@pytest.mark.parametrize("key", ["k", "hires-2021-07-27", "!~", "k" * 255])
def test_an_idempotency_key_is_read(key):
    assert bodies.idempotency_key(call(("Idempotency-Key", key))) == key


def test_a_call_may_have_no_idempotency_key():
    assert bodies.idempotency_key(call()) is None


@pytest.mark.parametrize("key", ["", " ", "a b", "a\tb", "k" * 256, "\x7f", "é"])
def test_an_invalid_idempotency_key_is_400(key):
    with pytest.raises(Problem, match="1 to 255 printable") as caught:
        bodies.idempotency_key(call(("Idempotency-Key", key)))

    assert (caught.value.status, caught.value.slug) == (400, "bad-idempotency-key")
