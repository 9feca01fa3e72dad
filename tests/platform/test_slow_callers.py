"""Callers that send a part of a call and stop keep nobody waiting, nor does a hanging database."""

import socket
import time
from contextlib import ExitStack, closing, suppress
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from infra import functions
from shared.http import slow_callers
from tests.support.operator import Operator

FUNCTIONS = {one.name: one for one in functions.read()}
JOB = {"rows": [{"id": 1, "job": "Recruiter"}]}
CONNECTIONS = 40
HEAD = "POST /insert_rows/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def beginnings(token):
    """What each kind of slow caller sends before it stops, by name."""
    with_token = f"{HEAD}X-Token: {token}\r\n"
    return {
        "a header": "P",
        "a body": f"{with_token}Content-Length: 100\r\n\r\n{{",
        "a large body": f"{with_token}Content-Length: 9000000\r\n\r\n{{",
        "a chunked body": f"{with_token}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n",
        "a chunked body without a token": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n",
    }


@pytest.mark.parametrize("kind", beginnings(""))
def test_a_good_call_is_answered_while_forty_others_have_stopped(platform, kind):
    gateway = urlsplit(platform.gateway)
    text = beginnings(platform.token)[kind].encode()
    with ExitStack() as stack, httpx.Client(base_url=platform.gateway) as client:
        headers = {"X-Token": platform.token}
        usual = answered(client, headers)
        for _ in range(CONNECTIONS):
            address = (gateway.hostname, gateway.port)
            stack.enter_context(socket.create_connection(address)).sendall(text)
        time.sleep(0.2)

        assert answered(client, headers) < max(1.0, 10 * usual)


def answered(client, headers):
    """The seconds until a good call is answered."""
    began = time.monotonic()
    response = client.post("/insert_rows/jobs", json=JOB, headers=headers)
    assert response.status_code == 202
    return time.monotonic() - began


def test_a_function_ends_headers_that_stop(platform):
    """Directly at its port, where they would take every thread."""
    address = urlsplit(platform.status().part("freshness").address)
    with ExitStack() as stack:
        callers = [
            stack.enter_context(socket.create_connection((address.hostname, address.port), 30))
            for _ in range(FUNCTIONS["freshness"].limits.concurrency + 1)
        ]
        for caller in callers:
            caller.sendall(b"GET /freshness HTTP/1.1\r\nHost: ")
        began = time.monotonic()

        url = f"{address.geturl()}/freshness"
        answer = httpx.get(url, headers={"X-Token": platform.token}, timeout=60)

        assert answer.status_code == 200
        assert all(caller.recv(100) == b"" for caller in callers)
        assert time.monotonic() - began < 3 * slow_callers.HEADER_SECONDS


@pytest.mark.parametrize("head", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"])
def test_a_function_ends_a_body_of_a_stranger_at_once(platform, head):
    """Directly at its port, where no gateway waits for bodies."""
    address = urlsplit(platform.status().part("insert_rows").address)
    text = f"{HEAD}{head}\r\n" + ("1\r\n{\r\n" if "chunked" in head else "{")
    with socket.create_connection((address.hostname, address.port), 20) as caller:
        caller.sendall(text.encode())
        began = time.monotonic()

        assert caller.recv(12) == b"HTTP/1.1 401"
        assert time.monotonic() - began < 10


def test_a_reader_sees_that_a_file_whose_database_hangs_is_incomplete(platform):
    with closing(Operator(platform)) as operator, ExitStack() as hanging:
        # More than all buffers on the way hold.
        lines = [b"%d,%s,\n" % (number, b"x" * 900_000) for number in range(50)]
        operator.dropped("jobs.csv", b"1,Baker\n" + b"".join(lines))
        database = psutil.Process(platform.part("postgres").pid)
        with operator.api.stream("GET", "/rejected_rows.csv?table=jobs") as answer:
            pieces = answer.iter_raw()
            size = len(next(pieces))
            for process in (database, *database.children(recursive=True)):
                process.suspend()
                hanging.callback(_resumed, process)
            with pytest.raises(httpx.RemoteProtocolError):
                for piece in pieces:
                    size += len(piece)
        hanging.close()

        assert answer.status_code == 200
        assert size < sum(map(len, lines))
        log = (platform.home.logs / "rejected_rows.log").read_text()
        assert '"message": "A response was cut off"' in log
    platform.wait_healthy()


def _resumed(process):
    with suppress(psutil.NoSuchProcess):
        process.resume()
