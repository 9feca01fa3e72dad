"""Runs the storage stand-in behind a server that refuses web pages.

fake-gcs-server lets the pages of any site read and write objects (Access-Control-Allow-Origin: *),
and that cannot be turned off. It listens on a random loopback address, new at each start, which a
page can neither know nor find by trying. The server on the known address forwards to it. On macOS,
127.0.0.1 is the only loopback address: there it listens on a random port of that and speaks TLS
with its own certificate, which no browser trusts, so that pages cannot send it anything.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvloop
from aiohttp import ClientError, web

from infra.local import features, forwarding
from infra.local.serving import Runner, no_web_pages, stop_signal

_ADDRESS = web.AppKey("address", str)
_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 2.0


def application(address: str) -> web.Application:
    """The web application; it forwards to the address of a storage server."""
    app = web.Application(
        handler_args={"auto_decompress": False}, middlewares=[no_web_pages], client_max_size=0
    )
    app[_ADDRESS] = address
    app[forwarding.CHECKS_CERTIFICATE] = False
    app.cleanup_ctx.append(forwarding.open_session)
    app.router.add_route("*", r"/{path:[\s\S]*}", _forward)
    return app


async def _forward(request: web.Request) -> web.StreamResponse:
    try:
        headers, body = forwarding.end_to_end(request.headers), await forwarding.streamed(request)
        # The server sends the parts of an upload to the scheme that it was asked by.
        headers["X-Forwarded-Proto"] = request.scheme
        received = await forwarding.ask(request, request.app[_ADDRESS], headers, body)
    except (ClientError, OSError):
        return _away()
    return await forwarding.answer(request, received, _away)


def _away() -> web.Response:
    return web.Response(status=503, text="the storage server does not answer\n")


async def serve(port: int, program: list[str]) -> int:
    """Run the storage server and forward to it until a signal arrives, or until it ends."""
    scheme, host, behind = _address(port)
    options = ("-scheme", scheme, "-host", host, "-port", str(behind))
    async with _started(*program, *options) as process:
        return await _serve(port, f"{scheme}://{host}:{behind}", process)


async def _serve(port: int, address: str, process: asyncio.subprocess.Process) -> int:
    runner = Runner(application(address))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stopped = stop_signal()
    ended, stopping = asyncio.create_task(process.wait()), asyncio.create_task(stopped.wait())
    await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
    await runner.cleanup()
    if not stopped.is_set():
        stopping.cancel()
        return await ended or 1
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await ended
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return 0


def _address(port: int) -> tuple[str, str, int]:
    """The scheme, host and port of the storage server behind a port of 127.0.0.1."""
    if features.has_loopback_network():
        host = ".".join(("127", *(str(1 + secrets.randbelow(254)) for _ in range(3))))
        return "http", host, port
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return "https", "127.0.0.1", int(free.getsockname()[1])


@asynccontextmanager
async def _started(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a program that is killed if this process is."""
    prctl = features.prctl()
    if prctl is not None:
        yield await asyncio.create_subprocess_exec(
            *command, preexec_fn=lambda: _end_with_parent(prctl)
        )
        return
    process = await asyncio.create_subprocess_exec(*command)
    # The shell reads the end of its input when this process ends, in whatever way.
    watcher = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", 'read -r _; kill -9 "$0"', str(process.pid)),
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            watcher.kill()
        await watcher.wait()


def _end_with_parent(prctl: Callable[..., int]) -> None:
    """Have the kernel kill this process when its parent is killed."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == 1:
        os._exit(1)


def main() -> int:
    """Serve until a signal arrives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("program", nargs=argparse.REMAINDER, help="-- PROGRAM ARGUMENT ...")
    options = parser.parse_args()
    program = [word for index, word in enumerate(options.program) if index or word != "--"]
    return uvloop.run(serve(options.port, program))


if __name__ == "__main__":
    sys.exit(main())
