"""Files sent through the dashboard reach the bucket whole, or not at all, in constant memory."""

import os
import socket
import time
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.support.operator import Operator
from tests.support.platform import Platform, wait_until

LIMIT_BYTES = 32 << 20


@pytest.fixture(scope="module")
def operator(platform: Platform):
    made = Operator(platform)
    made.clear()
    yield made
    made.close()


def lines(size_bytes: int) -> bytes:
    """Jobs whose texts are long, so that many bytes are few rows."""
    text = b"x" * 900
    return b"".join(b"%d,%s\n" % (key, text) for key in range(1, size_bytes // 906))


def resident_bytes(platform: Platform) -> int:
    server = psutil.Process(platform.part("dashboard").pid)
    return sum(one.memory_info().rss for one in (server, *server.children(recursive=True)))


def cut_off(platform: Platform) -> int:
    """How many uploads the function has turned away as faulty."""
    logged = (platform.home.logs / "dashboard.log").read_text().splitlines()
    return sum('"/uploads/<table>"' in line and '"status": 400' in line for line in logged)


@pytest.mark.parametrize("size_bytes", [2_000, 7_900_000, 12_000_000])
def test_a_file_is_loaded_and_can_be_followed(operator, size_bytes):
    content = lines(size_bytes)

    sent = operator.api.post("/dashboard/uploads/jobs?name=some%20jobs.csv", content=content)
    load = operator.loaded(sent.json()["source"])

    assert sent.status_code == 201
    assert sent.json()["size_bytes"] == len(content)
    assert str(load["load_id"]) == sent.json()["load_id"]
    assert (load["sender"], load["table_name"]) == ("local", "jobs")
    assert load["rows_read"] == content.count(b"\n")
    followed = operator.api.get(sent.headers["Location"]).json()
    assert (followed["state"], followed["counts"]["read"]) == ("done", content.count(b"\n"))


def test_a_body_of_unknown_length_is_taken_too(operator):
    def pieces():
        yield b"1,Clerk\n"
        time.sleep(0.05)
        yield b"2,Cook\n"

    sent = operator.api.post("/dashboard/uploads/jobs", content=pieces())

    assert operator.loaded(sent.json()["source"])["rows_read"] == 2


def test_memory_does_not_grow_with_the_file(platform, operator):
    operator.api.post("/dashboard/uploads/jobs", content=b"1,Clerk\n").raise_for_status()
    before = resident_bytes(platform)

    for _ in range(3):
        # No text at all, so that it is judged at once.
        sent = operator.api.post("/dashboard/uploads/jobs", content=b"\xff" * 30_000_000)
        assert operator.loaded(sent.json()["source"])["state"] == "failed"

    assert resident_bytes(platform) - before < 24 << 20


@pytest.mark.parametrize("is_told", [True, False], ids=["length told", "length untold"])
def test_a_file_over_the_limit_is_refused_and_nothing_of_it_stays(operator, is_told):
    before = operator.count("select count(*) from loads")
    content = os.urandom(LIMIT_BYTES + 1)
    body = content if is_told else iter([content])

    answer = operator.api.post("/dashboard/uploads/jobs", content=body)

    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, LIMIT_BYTES)
    assert operator.objects("uploads") == []
    assert operator.count("select count(*) from loads") == before


@pytest.mark.parametrize(
    ("path", "headers", "content", "status"),
    [
        ("jobs", {}, b"", 400),
        ("nothing", {}, b"1,x\n", 404),
        ("jobs", {"X-Token": "wrong"}, b"1,x\n", 401),
    ],
)
def test_what_cannot_be_taken_is_a_problem(operator, path, headers, content, status):
    answer = operator.api.post(f"/dashboard/uploads/{path}", content=content, headers=headers)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert operator.objects("uploads") == []


def test_a_file_that_is_compressed_in_transit_is_refused(platform, operator):
    # At the function itself: what stands in front of it may have unpacked the body.
    headers = {"X-Token": platform.token, "Content-Encoding": "gzip"}
    address = f"{platform.part('dashboard').address}/dashboard/uploads/jobs"

    assert httpx.post(address, content=b"1,x\n", headers=headers).status_code == 415
    assert operator.objects("uploads") == []


@pytest.mark.parametrize(
    ("framing", "piece"),
    [
        ("Content-Length: 20000000", b"1,Clerk\n" * 1_000_000),
        ("Content-Length: 1000", b"1,Clerk\n"),
        ("Transfer-Encoding: chunked", b"8\r\n1,Clerk\n\r\n"),
        ("Transfer-Encoding: chunked", b"ff\r\n1,Clerk\n"),
    ],
)
def test_a_file_that_is_cut_off_leaves_nothing(platform, operator, framing, piece):
    where = urlsplit(platform.part("dashboard").address)
    head = (
        "POST /dashboard/uploads/jobs HTTP/1.1\r\nHost: x\r\n"
        f"X-Token: {platform.token}\r\n{framing}\r\n\r\n"
    )

    before = cut_off(platform)

    with socket.create_connection((where.hostname, where.port)) as channel:
        channel.sendall(head.encode() + piece)

    wait_until(lambda: cut_off(platform) > before, "noticed")
    assert operator.objects("uploads") == []
