"""Forwards HTTP requests to a server of the platform, unchanged."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import IO

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
"""Size of the largest body that `whole` takes: a little more than Google's front end does."""
# As long as functions wait (BODY_SECONDS).
_BODY_SECONDS = 30.0
SESSION = web.AppKey("session", ClientSession)
CHECKS_CERTIFICATE = web.AppKey("checks_certificate", bool)


class BodyTooLarge(Exception):
    """A body is larger than `MOST_BYTES`."""


class BodyTooSlow(Exception):
    """A body did not arrive in time."""


async def open_session(app: web.Application) -> AsyncIterator[None]:
    """Keep a session for `ask` while an application runs."""
    verified = app.get(CHECKS_CERTIFICATE, True)
    async with ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=1.5, ssl=verified),
        timeout=ClientTimeout(total=None, connect=5),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        app[SESSION] = session
        yield


async def ask(
    request: web.Request, address: str, headers: CIMultiDict[str], body: object
) -> ClientResponse:
    """Send a request on to another address, with these headers and its body, streamed or whole."""
    return await request.app[SESSION].request(
        request.method,
        URL(f"{address}{request.raw_path}", encoded=True),
        headers=headers,
        data=body,
        allow_redirects=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )


async def streamed(request: web.Request) -> object:
    """A small body in one piece, which is faster; a large one as it arrives."""
    if not request.body_exists:
        return None
    if _is_small_body(request):
        return await request.content.read(-1)
    return request.content.iter_chunked(1 << 16)


@asynccontextmanager
async def whole(request: web.Request) -> AsyncIterator[object]:
    """Gives the body once all of it is there: in memory, or a large one in a file.

    Raises:
        BodyTooSlow, BodyTooLarge: the rest of it is not read.
    """
    with tempfile.SpooledTemporaryFile(SMALL_BYTES) as file:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                if not request.body_exists or _is_small_body(request):
                    body = await streamed(request)
                else:
                    body = await _filled(file, request)
        except TimeoutError:
            raise BodyTooSlow from None
        yield body


async def _filled(file: IO[bytes], request: web.Request) -> IO[bytes]:
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > MOST_BYTES:
            raise BodyTooLarge
        file.write(piece)
    file.seek(0)
    return file


def _is_small_body(request: web.Request) -> bool:
    return request.content_length is not None and request.content_length <= SMALL_BYTES


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
