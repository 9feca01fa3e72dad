"""Tables are sent as JSON or CSV, as the caller prefers."""

import csv
import io
import json
import socket
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime

import msgspec
import pytest
from flask import Flask, Response, request
from werkzeug.serving import make_server

from shared import deadlines
from shared.errors import DatabaseUnavailable
from shared.http.responses import json_response, revalidated, streamed, table_response
from shared.http.routes import PUBLIC, Route
from tests.support.problems import assert_problem

HIRED_AT = datetime(2021, 7, 27, 16, 2, 8, tzinfo=UTC)


class Person(msgspec.Struct):
    id: int
    name: str
    at: datetime | None


class People(msgspec.Struct):
    year: int
    rows: list[Person]


PEOPLE = People(
    2021,
    [
        Person(1, 'Say "hi",\nthen go', HIRED_AT),
        Person(2, "Ana", None),
        # A spreadsheet would run this name.
        Person(-3, "=1+1", None),
    ],
)


@pytest.fixture
def client(client_of):
    return client_of(
        Route(
            "GET",
            "/",
            lambda context: table_response(
                context.request, PEOPLE, PEOPLE.rows, ["id", "name", "at"]
            ),
            scope=PUBLIC,
        )
    )


@pytest.mark.parametrize(
    "accept",
    [None, "*/*", "application/json", "application/*", "text/csv;q=0.4, application/json;q=0.5"],
)
def test_json_is_the_default(client, accept):
    response = client.get("/", headers={"Accept": accept} if accept else {})

    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Vary"] == "Accept"
    document = response.get_json()
    assert document["year"] == 2021
    assert document["rows"][0] == {
        "id": 1,
        "name": 'Say "hi",\nthen go',
        "at": "2021-07-27T16:02:08Z",
    }


@pytest.mark.parametrize("accept", ["text/csv", "text/*", "application/json;q=0.1, text/csv"])
def test_csv_is_sent_on_request(client, accept):
    response = client.get("/", headers={"Accept": accept})

    assert response.status_code == 200
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Vary"] == "Accept"
    assert list(csv.reader(io.StringIO(response.text, newline=""))) == [
        ["id", "name", "at"],
        ["1", 'Say "hi",\nthen go', "2021-07-27T16:02:08Z"],
        ["2", "Ana", ""],
        ["-3", "'=1+1", ""],
    ]


@pytest.mark.parametrize("accept", ["application/xml", "application/json;q=0, text/csv;q=0"])
def test_a_caller_that_accepts_neither_gets_406(client, accept):
    assert_problem(client.get("/", headers={"Accept": accept}), 406, "not-acceptable")


def test_a_response_has_the_given_status_and_headers(client_of):
    client = client_of(
        Route("GET", "/", lambda _: json_response([HIRED_AT], 201, {"X-A": "b"}), scope=PUBLIC)
    )

    response = client.get("/")

    assert (response.status_code, response.headers["X-A"]) == (201, "b")
    assert response.get_json() == ["2021-07-27T16:02:08Z"]


def test_a_response_that_the_caller_has_already_is_not_sent_again(client_of):
    content = ["old"]
    client = client_of(
        Route("GET", "/", lambda c: revalidated(c.request, json_response(content)), scope=PUBLIC)
    )

    first = client.get("/")
    has = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/", headers=has)
    content[0] = "new"
    changed = client.get("/", headers=has)

    assert (first.status_code, first.get_json()) == (200, ["old"])
    # It may be stored, and is valid only if the service says so.
    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.data) == (304, b"")
    assert (changed.status_code, changed.get_json()) == (200, ["new"])
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.fixture
def served():
    """Serve chunks under a deadline; gives the port and an event that says when it ended."""
    servers = []

    def act(chunks, seconds):
        ended = threading.Event()

        def content():
            with closing(chunks):
                try:
                    yield from chunks
                finally:
                    ended.set()

        app = Flask("streams")
        app.add_url_rule("/", view_func=lambda: Response(streamed(request, content(), seconds, 1)))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server.server_port, ended

    yield act
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    return connection


def test_a_stream_ends_if_its_reader_stalls(served):
    # More than the buffers of both sides hold.
    port, ended = served((b"x" * 100_000 for _ in range(1000)), 1)

    with ask(port):
        assert ended.wait(30)


def test_a_stream_ends_if_it_takes_too_long(served):
    waited = threading.Event()
    port, ended = served((waited.wait(0.1) or b"x" for _ in range(1000)), 0.5)

    with ask(port) as reader:
        received = b"".join(iter(lambda: reader.recv(1000), b""))

    assert ended.is_set()
    # Whoever reads it sees that it is not whole: its last chunk is missing.
    assert not received.endswith(b"0\r\n\r\n")


def test_a_stream_that_is_read_in_time_is_whole(served):
    port, ended = served((b"x" * 1000 for _ in range(3000)), 60)

    with ask(port) as reader:
        received = b"".join(iter(lambda: reader.recv(100_000), b""))

    assert received.partition(b"\r\n\r\n")[2].count(b"x") == 3_000_000
    assert ended.wait(30)


def test_a_stream_that_cannot_go_on_is_cut_off_and_a_warning_is_logged(served, capfd):
    def chunks():
        yield b"x" * 1000
        raise DatabaseUnavailable("OperationalError")

    port, ended = served(chunks(), 60)

    with ask(port) as reader, suppress(ConnectionResetError):
        received = b""
        while piece := reader.recv(1000):
            received += piece

    assert ended.wait(30)
    assert received.partition(b"\r\n\r\n")[2].count(b"x") == 1000
    assert not received.endswith(b"0\r\n\r\n")
    output = capfd.readouterr()
    (line,) = [json.loads(line) for line in output.out.splitlines() if line.startswith("{")]
    assert (line["severity"], line["message"]) == ("WARNING", "A response was cut off")
    assert line["error"] == str(DatabaseUnavailable("OperationalError"))
    assert "Traceback" not in output.err


def test_each_chunk_of_a_stream_has_a_deadline_of_its_own(served):
    found = []

    def chunks():
        for _ in range(3):
            found.append(deadlines.left())
            yield b"x"

    port, ended = served(chunks(), 60)

    with ask(port) as reader:
        while reader.recv(1000):
            pass

    assert ended.wait(30)
    assert len(found) == 3
    assert all(0 < left <= 1 for left in found)
