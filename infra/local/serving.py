"""Runs the platform's own HTTP servers."""

from collections.abc import Awaitable, Callable

import uvloop
from aiohttp import web

from infra.local.origins import REFUSAL, is_foreign


@web.middleware
async def no_web_pages(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer requests of web pages with 403, in a stand-in that does not authenticate."""
    if is_foreign(request.host, request.headers.get("Origin")):
        return web.Response(status=403, text=REFUSAL)
    return await handler(request)


def serve(application: web.Application, host: str, port: int) -> None:
    """Serve until a signal arrives."""
    web.run_app(
        application,
        host=host,
        port=port,
        access_log=None,
        print=None,
        handler_cancellation=True,
        shutdown_timeout=1,
        loop=uvloop.new_event_loop(),
    )
