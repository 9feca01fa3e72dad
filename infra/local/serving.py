"""Runs the platform's own HTTP servers."""

import asyncio
import json
import signal
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import uvloop
from aiohttp import web

from infra.local.origins import REFUSAL, is_foreign

# The functions set these on every response; here they are for responses of our own servers.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_SERVER = "tablegate"
_HEADER_SECONDS = 10.0


@web.middleware
async def no_web_pages(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer requests of web pages with 403, in a stand-in that does not authenticate."""
    if is_foreign(request.host, request.headers.get("Origin")):
        return web.Response(status=403, text=REFUSAL)
    return await handler(request)


def guard(response: web.StreamResponse, request_id: str | None = None) -> None:
    """Add the security headers and the id that a response lacks, and hide aiohttp's version."""
    response.headers.setdefault("Request-Id", request_id or uuid4().hex)
    for header, value in SECURITY_HEADERS.items():
        response.headers.setdefault(header, value)
    if response.headers.get("Server", "Python").startswith("Python"):
        response.headers["Server"] = _SERVER


def problem(
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    *,
    slug: str = "",
) -> web.Response:
    """A problem details response (RFC 9457), with a function's slug if it is of the same kind."""
    content = {
        "type": f"urn:tablegate:problem:{slug}" if slug else "about:blank",
        "title": slug.replace("-", " ").capitalize() or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return web.Response(
        status=status,
        text=json.dumps(content),
        content_type="application/problem+json",
        headers=headers,
    )


class _Connection(web.RequestHandler):
    """A connection whose errors quote nothing of the request.

    aiohttp's own answer and log line quote the malformed line, which may hold a token.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """Answer a request that is malformed, or whose handler failed."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log_failure(exc)
            detail = "The server met an error; its log says where."
        else:
            # No log line: anyone could fill the log.
            detail = "The request line or a header is malformed or too long."
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        response = problem(status, detail)
        guard(response)
        response.force_close()
        return response

    def log_exception(self, *_: Any, **given: Any) -> None:
        """Log where an error was raised."""
        _log_failure(given.get("exc_info"))


def _log_failure(error: BaseException | None) -> None:
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    places = " ".join(f"{frame.filename}:{frame.lineno}" for frame in frames[-3:])
    print(f"a request failed: {type(error).__name__} {places}", flush=True)


class _Server(web.Server):
    def __call__(self) -> _Connection:
        return _Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application; its error pages quote nothing of a request."""

    __slots__ = ()

    def __init__(self, application: web.Application) -> None:
        super().__init__(
            application,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=1,
            # Headers must be complete by then, too.
            keepalive_timeout=_HEADER_SECONDS,
        )

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # aiohttp has no setting for the class of its connections.
        server.__class__ = _Server
        return server


def serve(application: web.Application, host: str, port: int) -> None:
    """Serve until a signal arrives."""
    uvloop.run(_serve(application, host, port))


async def _serve(application: web.Application, host: str, port: int) -> None:
    runner = Runner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await stop_signal().wait()
    finally:
        await runner.cleanup()


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
