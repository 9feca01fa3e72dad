"""Runs the platform's own HTTP servers."""

import uvloop
from aiohttp import web


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
