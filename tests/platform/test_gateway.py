"""The gateway: it forwards a request unchanged, or answers with a problem."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from google.auth import jwt

from infra import functions
from infra.local import forwarding, gateway, ports, serving
from infra.local.home import Home
from infra.local.layout import Layout
from shared import logs
from tests.support.platform import Platform

API_DOCS = next(one for one in functions.read() if one.name == "api_docs")


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/api_docs", True),
        ("/api_docs/any/thing", True),
        ("/docs/index.html", True),
        ("/openapi.json", True),
        ("/api_docsx", False),
        ("/openapi.jsonx", False),
        ("/", False),
    ],
)
def test_a_prefix_ends_where_a_segment_does(path: str, served: bool) -> None:
    known = gateway.routes(Layout({"api_docs": 1}, (API_DOCS,), ""))

    assert (gateway.route_of(path, known) is not None) is served


def test_an_unknown_path_is_a_404_that_lists_the_known_ones(platform: Platform) -> None:
    answer = httpx.get(f"{platform.gateway}/nothing/here")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 404
    assert "/insert_rows" in answer.json()["detail"]
    assert "/healthz" in answer.json()["detail"]


def test_the_certificates_of_pushes_are_served(platform: Platform) -> None:
    certificates = httpx.get(f"{platform.gateway}/push-certs").json()

    assert all(pem.startswith("-----BEGIN CERTIFICATE-----") for pem in certificates.values())
    assert len(certificates) == 1


def test_a_request_is_forwarded_unchanged_except_for_connection_headers(tmp_path: Path) -> None:
    async def ask() -> None:
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            answer = await client.post(
                f"{url}/api_docs/a%2Fb%20c?x=%26&y",
                content=b"body",
                headers={"X-Token": "t", "Connection": "keep-alive, X-Hop", "X-Hop": "1"},
            )

            assert answer.status_code == 418
            assert answer.json()["target"] == "/api_docs/a%2Fb%20c?x=%26&y"
            assert answer.json()["method"] == "POST"
            headers = answer.json()["headers"]
            assert headers["x-token"] == "t"
            assert headers["content-length"] == "4"
            assert not {"x-hop", "connection"} & set(headers)
            assert headers["x-forwarded-proto"] == "http"
            assert answer.headers.get_list("x-twice") == ["1", "2"]

    asyncio.run(ask())


def test_authorization_arrives_as_behind_api_gateway_and_cloud_run(tmp_path: Path) -> None:
    async def ask() -> None:
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            given = {"Authorization": "Bearer tg_mine", "X-Forwarded-Authorization": "Bearer x"}
            with_token = (await client.get(f"{url}/docs", headers=given)).json()["headers"]
            without = (await client.get(f"{url}/docs")).json()["headers"]

            assert with_token["x-forwarded-authorization"] == "Bearer tg_mine"
            assert "x-forwarded-authorization" not in without
            for headers in (with_token, without):
                token = headers["authorization"].removeprefix("Bearer ")
                assert token.endswith(".SIGNATURE_REMOVED_BY_GOOGLE")
                assert jwt.decode(token, verify=False)["email"] == gateway.GATEWAY_ACCOUNT

    asyncio.run(ask())


def test_a_request_has_one_id_in_the_gateway_and_in_the_function(tmp_path: Path) -> None:
    async def ask() -> None:
        trace = "0af7651916cd43dd8448eb211c80319c"
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            new = await client.get(f"{url}/docs")
            given = await client.get(
                f"{url}/docs", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
            )
            odd = await client.get(f"{url}/docs", headers={"traceparent": "no\tid"})
            unknown = await client.get(f"{url}/nowhere")

            assert logs.trace_id(given.json()["headers"]["traceparent"]) == trace
            assert given.headers["Request-Id"] == trace
            for answer in (new, odd):
                carried = answer.json()["headers"]["x-cloud-trace-context"]
                assert answer.headers["Request-Id"] == logs.trace_id(carried) != ""
                assert "traceparent" not in answer.json()["headers"]
            assert len(unknown.headers["Request-Id"]) == 32

    asyncio.run(ask())


def test_the_source_of_a_call_cannot_be_made_up_nor_a_schedule(tmp_path: Path) -> None:
    async def ask() -> None:
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            made_up = {"X-Forwarded-For": "203.0.113.7", "X-CloudScheduler": "true"}
            headers = (await client.get(f"{url}/docs", headers=made_up)).json()["headers"]

            assert headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1, 127.0.0.1"
            assert "x-cloudscheduler" not in headers

    asyncio.run(ask())


def test_a_body_beyond_every_limit_is_a_413_and_a_slow_one_a_408(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "SMALL_BYTES", 100)
    monkeypatch.setattr(forwarding, "MOST_BYTES", 1000)
    monkeypatch.setattr(forwarding, "_BODY_SECONDS", 0.2)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async def ask() -> None:
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            large = await client.post(f"{url}/docs/echo", content=b"x" * 1001)
            late = await client.post(f"{url}/docs/echo", content=slow())

            assert (large.status_code, late.status_code) == (413, 408)
            assert late.json()["type"] == "urn:tablegate:problem:body-too-slow"

    asyncio.run(ask())


def test_an_identity_that_cloud_run_would_check_is_a_401(tmp_path: Path) -> None:
    async def ask() -> None:
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            headers = {"X-Serverless-Authorization": "Bearer a.b.c", "X-Token": "t"}

            assert (await client.get(f"{url}/docs", headers=headers)).status_code == 401

    asyncio.run(ask())


def test_large_bodies_stream_both_ways(tmp_path: Path) -> None:
    piece, count = os.urandom(1 << 20), 24

    async def ask() -> None:
        async def body() -> AsyncIterator[bytes]:
            for _ in range(count):
                yield piece

        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient(timeout=30) as client:
            answer = await client.post(f"{url}/docs/echo", content=body())

            assert hashlib.sha256(answer.content).digest() == hashlib.sha256(piece * count).digest()

    asyncio.run(ask())


def test_a_response_to_head_keeps_its_content_length(tmp_path: Path) -> None:
    async def ask() -> None:
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            answer = await client.head(f"{url}/docs/sized")

            assert answer.headers["content-length"] == "5"

    asyncio.run(ask())


def test_an_unavailable_function_is_a_503_with_retry_after(tmp_path: Path) -> None:
    async def ask() -> None:
        async with _behind_gateway(tmp_path, is_down=True) as url, httpx.AsyncClient() as client:
            answer = await client.get(f"{url}/docs")

            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["content-type"].startswith("application/problem+json")

    asyncio.run(ask())


@pytest.mark.parametrize("where", ["die", "die-after-head"])
def test_a_function_that_ends_during_a_request_is_a_502(tmp_path: Path, where: str) -> None:
    async def ask() -> None:
        async with _behind_gateway(tmp_path) as url, httpx.AsyncClient() as client:
            answer = await client.post(f"{url}/docs/{where}", content=b"x")

            assert answer.status_code == 502
            assert answer.headers["content-type"].startswith("application/problem+json")

    asyncio.run(ask())


@asynccontextmanager
async def _behind_gateway(folder: Path, *, is_down: bool = False) -> AsyncIterator[str]:
    """A function that returns the request it received, behind a gateway."""
    chosen = ports.choose(["gateway", "api_docs"], {}, {})
    layout = Layout(chosen, (API_DOCS,), "")
    runners = [await _served(gateway.application(Home.at(folder), layout), chosen["gateway"])]
    if not is_down:
        runners.append(await _served(_function(), chosen["api_docs"]))
    try:
        yield layout.url("gateway")
    finally:
        for runner in runners:
            await runner.cleanup()


def _function() -> web.Application:
    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/docs/echo", _echo)
    app.router.add_post("/docs/die", _die)
    app.router.add_post("/docs/die-after-head", _die_after_head)
    app.router.add_get("/docs/sized", _sized)
    app.router.add_route("*", "/{path:.*}", _describe_request)
    return app


async def _describe_request(request: web.Request) -> web.Response:
    received = {
        "method": request.method,
        "target": request.raw_path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
    }
    response = web.json_response(received, status=418)
    response.headers.add("X-Twice", "1")
    response.headers.add("X-Twice", "2")
    return response


async def _echo(request: web.Request) -> web.StreamResponse:
    # Read the whole body first, as a function does: httpx reads nothing until it has sent all.
    body = await request.read()
    response = web.StreamResponse()
    await response.prepare(request)
    for start in range(0, len(body), 1 << 16):
        await response.write(body[start : start + (1 << 16)])
    return response


async def _die(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _die_after_head(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "188"})
    await response.prepare(request)
    await response.write(b"half of it")
    assert request.transport is not None
    request.transport.close()
    return response


async def _sized(_: web.Request) -> web.Response:
    return web.Response(text="12345")


async def _served(app: web.Application, port: int) -> web.AppRunner:
    runner = serving.Runner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
