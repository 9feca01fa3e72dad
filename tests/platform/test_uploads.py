"""Files uploaded through the dashboard reach the bucket complete or not at all."""

import io
import os
import socket
import time
import zipfile
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
    """Jobs with long titles, so that a large file has few rows."""
    text = b"x" * 900
    return b"".join(b"%d,%s\n" % (key, text) for key in range(1, size_bytes // 906))


def resident_bytes(platform: Platform) -> int:
    server = psutil.Process(platform.part("dashboard").pid)
    return sum(one.memory_info().rss for one in (server, *server.children(recursive=True)))


def rejected_uploads(platform: Platform) -> int:
    """How many uploads the function has answered with 400."""
    logged = (platform.home.logs / "dashboard.log").read_text().splitlines()
    return sum('"/uploads/<table_name>"' in line and '"status": 400' in line for line in logged)


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


def test_a_body_of_unknown_length_is_accepted_too(operator):
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
        # Not UTF-8, so that it is rejected at once.
        sent = operator.api.post("/dashboard/uploads/jobs", content=b"\xff" * 30_000_000)
        assert operator.loaded(sent.json()["source"])["state"] == "failed"

    assert resident_bytes(platform) - before < 24 << 20


@pytest.mark.parametrize("has_length", [True, False], ids=["known length", "unknown length"])
def test_a_file_over_the_limit_is_rejected_and_leaves_nothing(operator, has_length):
    before = operator.count("select count(*) from loads")
    content = os.urandom(LIMIT_BYTES + 1)
    body = content if has_length else iter([content])

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
def test_an_upload_that_cannot_be_accepted_is_a_problem(operator, path, headers, content, status):
    answer = operator.api.post(f"/dashboard/uploads/{path}", content=content, headers=headers)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert operator.objects("uploads") == []


def test_a_body_with_content_encoding_is_rejected(platform, operator):
    # Sent to the function itself: a gateway could decompress the body.
    headers = {"X-Token": platform.token, "Content-Encoding": "gzip"}
    address = f"{platform.part('dashboard').address}/dashboard/uploads/jobs"

    assert httpx.post(address, content=b"1,x\n", headers=headers).status_code == 415
    assert operator.objects("uploads") == []


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"files": {"file": ("jobs.csv", b"1,Clerk\n", "text/csv")}}, "a form"),
        ({"content": workbook()}, "a workbook"),
    ],
    ids=["a form", "a workbook"],
)
def test_what_is_not_the_file_itself_is_named_and_leaves_nothing(operator, body, named):
    before = operator.count("select count(*) from loads")

    answer = operator.api.post("/dashboard/uploads/jobs?name=jobs.csv", **body)

    assert answer.status_code == 415
    assert named in answer.json()["detail"]
    assert operator.objects("uploads") == []
    assert operator.count("select count(*) from loads") == before


@pytest.mark.parametrize(
    ("framing", "piece"),
    [
        ("Content-Length: 20000000", b"1,Clerk\n" * 1_000_000),
        ("Content-Length: 1000", b"1,Clerk\n"),
        ("Transfer-Encoding: chunked", b"8\r\n1,Clerk\n\r\n"),
        ("Transfer-Encoding: chunked", b"ff\r\n1,Clerk\n"),
    ],
)
def test_an_interrupted_upload_leaves_nothing(platform, operator, framing, piece):
    address = urlsplit(platform.part("dashboard").address)
    head = (
        "POST /dashboard/uploads/jobs HTTP/1.1\r\nHost: x\r\n"
        f"X-Token: {platform.token}\r\n{framing}\r\n\r\n"
    )

    before = rejected_uploads(platform)

    with socket.create_connection((address.hostname, address.port)) as channel:
        channel.sendall(head.encode() + piece)

    wait_until(lambda: rejected_uploads(platform) > before, "rejected")
    assert operator.objects("uploads") == []
