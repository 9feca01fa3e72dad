"""The Eventarc stand-in: takes pushed storage notifications, delivers CloudEvents.

The push is answered with the function's own status, so that Pub/Sub keeps the notification
and tries again until the function takes the event.
"""

import argparse
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from infra.local import finalized
from infra.local import home as homes
from infra.local import layout as layouts
from infra.local.layout import Layout
from infra.local.serving import serve

_LONGEST_BODY = 20 << 20
_TARGETS = web.AppKey("targets", dict[str, str])
_SESSION = web.AppKey("session", ClientSession)


def application(layout: Layout) -> web.Application:
    """The web application; it delivers to the functions of `layout` that want storage events."""
    app = web.Application(client_max_size=_LONGEST_BODY)
    app[_TARGETS] = {
        layouts.bucket_name(function.trigger.storage_event): layout.url(function.name)
        for function in layout.functions
        if function.trigger.storage_event
    }
    app.cleanup_ctx.append(_open_session)
    app.router.add_get("/", _alive)
    app.router.add_post("/uploads", _deliver)
    return app


async def _open_session(app: web.Application) -> AsyncIterator[None]:
    # A function may take its time with a large file; Pub/Sub's own deadline is the limit.
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
        event = finalized.from_notification(
            message["messageId"], message["publishTime"], attributes, resource
        )
    except (ValueError, KeyError, TypeError) as fault:
        return web.Response(status=400, text=f"not a storage notification: {fault!r}\n")
    url = request.app[_TARGETS].get(bucket)
    if kind != "OBJECT_FINALIZE" or url is None:
        return web.Response(status=204)
    return await _send(request, url, event)


async def _send(request: web.Request, url: str, event: finalized.CloudEvent) -> web.Response:
    headers = {
        **event.headers,
        "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
    }
    # The identity is the same one: Pub/Sub delivers for Eventarc on Google Cloud too.
    if identity := request.headers.get("Authorization"):
        headers["Authorization"] = identity
    body = json.dumps(event.body).encode()
    try:
        async with request.app[_SESSION].post(url, data=body, headers=headers) as answer:
            await answer.read()
            status = answer.status
    except (ClientError, OSError) as fault:
        print(f"{event.headers['ce-id']} not delivered: {type(fault).__name__}", flush=True)
        return web.Response(status=503)
    print(f"{event.headers['ce-id']} delivered: {status}", flush=True)
    return web.Response(status=status)


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    layout = layouts.read(homes.at(parser.parse_args().home))
    serve(application(layout), "127.0.0.1", layout.ports["eventarc"])


if __name__ == "__main__":
    main()
