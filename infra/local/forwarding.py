"""Forwards HTTP requests to a server of the platform, unchanged and streamed."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    web,
)
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

# RFC 9110, 7.6.1: headers of a connection, not of the message. The server answers Expect itself.
_HOP_BY_HOP = frozenset(
    {
        "expect",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
SMALL_BYTES = 1 << 20
MOST_BYTES = 40 << 20
"""Size of the largest body: a little more than Google's front end takes, so functions judge."""
# As long as functions wait (BODY_SECONDS).
_BODY_SECONDS = 30.0
SESSION = web.AppKey("session", ClientSession)


class BodyTooLarge(Exception):
    """A body is larger than `MOST_BYTES`."""


async def open_session(app: web.Application) -> AsyncIterator[None]:
    """Keep a session for `ask` while an application runs."""
    async with ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=1.5),
        timeout=ClientTimeout(total=None, connect=5),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        app[SESSION] = session
        yield


async def ask(request: web.Request, address: str, headers: CIMultiDict[str]) -> ClientResponse:
    """Send a request on to another address, with these headers."""
    async with _body(request) as body:
        return await request.app[SESSION].request(
            request.method,
            URL(f"{address}{request.raw_path}", encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )


@asynccontextmanager
async def _body(request: web.Request) -> AsyncIterator[object]:
    """Gives the whole body, in memory or in a file: a slow sender must hold no function.

    Raises:
        TimeoutError: it did not arrive in time.
        BodyTooLarge: it is larger than Google's front end lets through.
    """
    if not request.body_exists:
        yield None
        return
    with tempfile.SpooledTemporaryFile(SMALL_BYTES) as file:
        size = 0
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.content.iter_any():
                size += len(piece)
                if size > MOST_BYTES:
                    raise BodyTooLarge
                file.write(piece)
        file.seek(0)
        # Small ones in one piece, which is faster.
        yield file.read() if size <= SMALL_BYTES else file


def end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers of a message, without those of its connection."""
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named
    )


async def answer(
    request: web.Request, received: ClientResponse, lost: Callable[[], web.Response]
) -> web.StreamResponse:
    """Pass on what a server answered: a small answer whole, a large one as it arrives.

    Args:
        request: what is answered.
        received: the server's answer, which is closed afterwards.
        lost: makes the answer if the server ends in the middle of a small one.
    """
    async with received:
        if not _is_small(request, received):
            return await _streamed(request, received)
        try:
            return await _whole(request, received)
        except (ClientError, OSError):
            return lost()


def _is_small(request: web.Request, answer: ClientResponse) -> bool:
    """Whether an answer is better sent in one piece."""
    length = answer.content_length
    return request.method == "HEAD" or (length is not None and length <= SMALL_BYTES)


async def _whole(request: web.Request, answer: ClientResponse) -> web.Response:
    """Read an answer, to be sent in one piece."""
    headers = end_to_end(answer.headers)
    body = await answer.read()
    if request.method != "HEAD":
        headers.popall("Content-Length", None)
    return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=body)


async def _streamed(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    """Send an answer as it arrives."""
    response = web.StreamResponse(
        status=answer.status, reason=answer.reason, headers=end_to_end(answer.headers)
    )
    await response.prepare(request)
    async for piece in answer.content.iter_any():
        await response.write(piece)
    await response.write_eof()
    return response
