"""The Eventarc stand-in: receives storage notifications as pushes, and delivers CloudEvents.

It answers a push with the function's own status, so that Pub/Sub retries the notification until
the function accepts the event.
"""

import argparse
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from infra.local import storage_event
from infra.local.home import Home
from infra.local.layout import Layout, bucket_name
from infra.local.serving import no_web_pages, serve

_LONGEST_BODY = 20 << 20
_TARGETS = web.AppKey("targets", dict[str, str])
_SESSION = web.AppKey("session", ClientSession)


def application(layout: Layout) -> web.Application:
    """The web application; it delivers events to the functions that have a storage event."""
    app = web.Application(client_max_size=_LONGEST_BODY, middlewares=[no_web_pages])
    app[_TARGETS] = {
        bucket_name(function.trigger.storage_event): layout.url(function.name)
        for function in layout.functions
        if function.trigger.storage_event
    }
    app.cleanup_ctx.append(_open_session)
    app.router.add_get("/", _alive)
    app.router.add_post("/uploads", _deliver)
    return app


async def _open_session(app: web.Application) -> AsyncIterator[None]:
    # No timeout: a large file takes a long time, and the push has its own deadline.
    async with ClientSession(
        connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None, connect=10)
    ) as session:
        app[_SESSION] = session
        yield


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _deliver(request: web.Request) -> web.Response:
    try:
        message = (await request.json())["message"]
        attributes = message["attributes"]
        resource = json.loads(base64.b64decode(message["data"]))
        kind, bucket = attributes["eventType"], attributes["bucketId"]
        event = storage_event.from_notification(
            message["messageId"], message["publishTime"], attributes, resource
        )
    except (ValueError, KeyError, TypeError) as error:
        return web.Response(status=400, text=f"not a storage notification: {error!r}\n")
    url = request.app[_TARGETS].get(bucket)
    if kind != "OBJECT_FINALIZE" or url is None:
        return web.Response(status=204)
    return await _send(request, url, event)


async def _send(request: web.Request, url: str, event: storage_event.CloudEvent) -> web.Response:
    headers = {
        **event.headers,
        "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
    }
    # The token of the push: on Google Cloud too, Pub/Sub delivers for Eventarc.
    if identity := request.headers.get("Authorization"):
        headers["Authorization"] = identity
    body = json.dumps(event.body).encode()
    try:
        async with request.app[_SESSION].post(url, data=body, headers=headers) as answer:
            await answer.read()
            status = answer.status
    except (ClientError, OSError) as error:
        print(f"{event.headers['ce-id']} not delivered: {type(error).__name__}", flush=True)
        return web.Response(status=503)
    print(f"{event.headers['ce-id']} delivered: {status}", flush=True)
    return web.Response(status=status)


def main() -> None:
    """Serve until a signal arrives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    layout = Layout.read(Home.at(parser.parse_args().home))
    serve(application(layout), "127.0.0.1", layout.ports["eventarc"])


if __name__ == "__main__":
    main()
