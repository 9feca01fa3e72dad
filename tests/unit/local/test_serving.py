"""The platform's own HTTP servers: what they answer, and log, when a request is broken."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from infra.local import gateway, ports, serving
from infra.local.home import Home
from infra.local.layout import Layout

TOKEN = "tg_canary-7f3a-secret-of-ann"


def exchange(app: web.Application, request: bytes) -> str:
    """Serve an application, send it bytes, and return its answer."""

    async def act() -> str:
        port = ports.choose(["gateway"], {}, {})["gateway"]
        runner = serving.Runner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
        finally:
            await runner.cleanup()
        return answer.decode("latin-1")

    return asyncio.run(act())


@pytest.mark.parametrize(
    "line",
    [
        f"X-Token: {TOKEN}\x01",
        f"X-Token: {TOKEN}\x00",
        f"X-Token : {TOKEN}",
        f"X-Token {TOKEN}",
        f"X-Token: {TOKEN * 1000}",
        f"Authorization: Bearer {TOKEN}\r\n\x0b{TOKEN}",
        f"Content-Length: {TOKEN}",
        f"Transfer-Encoding: {TOKEN}",
    ],
    ids=range(8),
)
def test_a_malformed_header_is_quoted_neither_in_the_answer_nor_in_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    app = gateway.application(Home.at(tmp_path), Layout({}, (), ""))

    answer = exchange(app, f"POST /x HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode())

    head, _, body = answer.partition("\r\n\r\n")
    assert head.split()[1] == "400"
    assert "Content-Type: application/problem+json" in head
    for name, value in serving.SECURITY_HEADERS.items():
        assert f"{name}: {value}" in head
    assert "Server: tablegate" in head
    assert "canary" not in answer
    assert '"status": 400' in body
    # Nobody can fill the log without a token.
    assert capfd.readouterr() == ("", "")


def test_an_error_of_a_handler_is_logged_without_its_message(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def fail(request: web.Request) -> web.Response:
        raise ValueError(request.headers["X-Token"])

    app = web.Application()
    app.router.add_get("/", fail)

    answer = exchange(app, f"GET / HTTP/1.1\r\nHost: x\r\nX-Token: {TOKEN}\r\n\r\n".encode())

    printed = "".join(capfd.readouterr())
    assert answer.startswith("HTTP/1.1 500 ")
    assert "a request failed: ValueError" in printed
    assert "test_serving.py:" in printed
    assert "canary" not in answer + printed
