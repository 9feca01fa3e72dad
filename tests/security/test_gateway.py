"""The gateway sets the security headers on its own answers and forwards bodies unchanged."""

import asyncio
import time
import zlib

import httpx
import psutil
import pytest

from tests.support.cpu_time import least_cpu_seconds

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def decompress(content: bytes) -> None:
    """Decompress a bomb, piece by piece."""
    unpacker = zlib.decompressobj(31)
    while content:
        unpacker.decompress(content, 1 << 20)
        content = unpacker.unconsumed_tail


@pytest.mark.parametrize(
    "path", ["/nowhere", "/healthz", "/", "/nowhere%0d%0aX-Injected:1", "/insert_rowsx", "/%00"]
)
def test_the_gateways_own_answers_have_the_security_headers(platform, path):
    answer = httpx.get(f"{platform.gateway}{path}")

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["Server"] == "tablegate"
    assert "X-Injected" not in answer.headers


def test_certificates_may_be_cached(platform):
    answer = httpx.get(f"{platform.gateway}/push-certs")

    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_line_break_in_a_path_is_answered_like_any_unknown_path(platform):
    answer = httpx.get(f"{platform.gateway}/insert_rows/jobs%0d%0aSet-Cookie:%20a=b")

    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/insert_rows/jobs", "/dashboard/uploads/jobs", "/nowhere"])
def test_the_gateway_does_not_decompress_a_gzip_bomb(platform, path):
    content = bomb(256)
    gateway = psutil.Process(platform.part("gateway").pid)
    before = gateway.cpu_times()

    answer = httpx.post(
        f"{platform.gateway}{path}",
        content=content,
        headers={
            "Content-Encoding": "gzip",
            "Content-Type": "application/json",
            "X-Token": platform.token,
        },
        timeout=60,
    )

    after = gateway.cpu_times()
    assert answer.status_code in (404, 413, 415)
    # While it decompressed, the gateway could answer no other request.
    used = after.user + after.system - before.user - before.system
    assert used < 0.5 * least_cpu_seconds(lambda: decompress(content))
    assert gateway.memory_info().rss < 200 << 20


def test_other_requests_are_answered_while_bombs_arrive(platform):
    content = bomb(256)

    async def ask() -> float:
        async with httpx.AsyncClient(base_url=platform.gateway, timeout=60) as client:
            headers = {"Content-Encoding": "gzip", "X-Token": platform.token}
            bombs = [
                asyncio.create_task(
                    client.post("/insert_rows/jobs", content=content, headers=headers)
                )
                for _ in range(4)
            ]
            await asyncio.sleep(0.05)
            started = time.perf_counter()
            await client.get("/push-certs")
            waited = time.perf_counter() - started
            await asyncio.gather(*bombs)
            return waited

    started = time.perf_counter()
    for _ in range(4):
        decompress(content)
    decompression_seconds = time.perf_counter() - started

    # The best of three: a busy machine makes everybody wait.
    assert min(asyncio.run(ask()) for _ in range(3)) < 0.5 * decompression_seconds
