"""The gateway: one address for all functions, with the same paths as the API gateway."""

import argparse
import base64
import json
import os
from pathlib import Path
from uuid import uuid4

from aiohttp import ClientConnectorError, ClientError, web
from multidict import CIMultiDict

from infra.local import forwarding, sign_in
from infra.local.home import Home
from infra.local.layout import PROJECT, Layout
from infra.local.serving import guard, problem, serve
from infra.local.status import read_status
from shared import logs

GATEWAY_ACCOUNT = f"gateway@{PROJECT}.iam"
_MOST_CODE_BYTES = 100
_TRACE = web.RequestKey("trace", str)
_HOME = web.AppKey("home", Home)
_ROUTES = web.AppKey("routes", dict[str, str])


def application(home: Home, layout: Layout) -> web.Application:
    """The web application of a home."""
    # Bodies are forwarded unchanged: a megabyte of gzip can decompress to a gigabyte.
    app = web.Application(handler_args={"auto_decompress": False})
    app[_HOME] = home
    app[_ROUTES] = routes(layout)
    app.cleanup_ctx.append(forwarding.open_session)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/push-certs", _push_certs)
    app.router.add_post(sign_in.PATH, _sign_in)
    # The pattern matches line breaks too: aiohttp answers a path without a route by itself.
    app.router.add_route("*", r"/{path:[\s\S]*}", _forward)
    app.on_response_prepare.append(_guard)
    return app


def routes(layout: Layout) -> dict[str, str]:
    """The address of the function behind each path prefix; event functions have none."""
    return {
        prefix: layout.url(function.name)
        for function in layout.functions
        if function.trigger.signature == "http"
        for prefix in (f"/{function.name}", *function.trigger.paths)
    }


def route_of(path: str, known: dict[str, str]) -> str | None:
    """The address of the function behind a path, or None; prefixes are whole segments."""
    prefix = path
    while prefix:
        if prefix in known:
            return known[prefix]
        prefix = prefix.rpartition("/")[0]
    return None


async def _guard(request: web.Request, response: web.StreamResponse) -> None:
    guard(response, request.get(_TRACE))


async def _healthz(request: web.Request) -> web.Response:
    status = read_status(request.app[_HOME])
    if status is None or status.pid != os.getppid():
        return web.Response(
            status=503, text="the supervisor has ended; run `./tablegate up` again\n"
        )
    return web.Response(status=200 if status.is_ready else 503, text=status.table() + "\n")


async def _push_certs(request: web.Request) -> web.Response:
    certificates = request.app[_HOME].certificates.read_text()
    return web.Response(
        text=certificates,
        content_type="application/json",
        headers={"Cache-Control": "public, max-age=3600"},
    )


async def _sign_in(request: web.Request) -> web.Response:
    # A code has 32 characters, so only what is short can be one.
    code = (await request.content.read(_MOST_CODE_BYTES)).decode(errors="replace")
    token = sign_in.exchange(request.app[_HOME], code)
    if token is None:
        detail = "This link was used or is too old; `./tablegate open` makes another."
        return problem(401, detail, slug="token-refused")
    return web.json_response({"token": token})


async def _forward(request: web.Request) -> web.StreamResponse:
    address = route_of(request.path, request.app[_ROUTES])
    # functions-framework has no route for a path with a line break: it would answer by itself.
    if address is None or not request.raw_path.startswith("/") or min(request.path) < " ":
        known = ", ".join(sorted({*request.app[_ROUTES], "/healthz"}))
        detail = f"Nothing is served at {request.path}; paths are {known}."
        # The same problem as a function's, because the path may be meant for one.
        return problem(404, detail, slug="unknown-path")
    if "X-Serverless-Authorization" in request.headers:
        # Cloud Run checks the identity in this header alone, and nobody has one here.
        return problem(
            401,
            "X-Serverless-Authorization is for identities of Google Cloud.",
            slug="token-refused",
        )
    return await _pass_on(request, address)


async def _pass_on(request: web.Request, address: str) -> web.StreamResponse:
    headers = _headers_to(request)
    request[_TRACE] = _trace(headers)
    try:
        # Whole, because a slow sender must hold no function.
        async with forwarding.whole(request) as body:
            received = await forwarding.ask(request, address, headers, body)
    except ClientConnectorError:
        detail = "The function behind this path does not answer; it is being restarted."
        return problem(503, detail, {"Retry-After": "1"}, slug="try-again")
    except forwarding.BodyTooSlow:
        return _refused_body(
            408,
            "body-too-slow",
            "did not arrive in time; send it again, faster or in smaller parts.",
        )
    except forwarding.BodyTooLarge:
        return _refused_body(
            413, "body-too-large", "is too large; drop a file of this size in the uploads bucket."
        )
    except (ClientError, OSError):
        return _lost()
    return await forwarding.answer(request, received, _lost)


def _lost() -> web.Response:
    detail = (
        "The function behind this path ended before it answered; check whether it did its work."
    )
    return problem(502, detail, {"Retry-After": "1"}, slug="answer-lost")


def _refused_body(status: int, slug: str, why: str) -> web.Response:
    response = problem(status, f"The body {why}", slug=slug)
    # The rest of it is not read.
    response.force_close()
    return response


def _trace(headers: CIMultiDict[str]) -> str:
    """Give a request a trace, as Google's front end does, and return its id."""
    given = headers.get("traceparent") or headers.get("X-Cloud-Trace-Context")
    identifier = logs.trace_id(given)
    if not identifier:
        identifier = uuid4().hex
        headers.popall("traceparent", None)
        headers["X-Cloud-Trace-Context"] = f"{identifier}/1"
    return identifier


def _authorize(headers: CIMultiDict[str]) -> None:
    """Change the headers as API Gateway and Cloud Run do.

    API Gateway calls the function with an identity of its own, and moves the caller's
    Authorization. Cloud Run checks that identity and removes its signature.
    """
    if given := headers.popall("Authorization", []):
        headers.popall("X-Forwarded-Authorization", None)
        headers.extend(("X-Forwarded-Authorization", value) for value in given)
    headers["Authorization"] = f"Bearer {_IDENTITY}"


def _identity() -> str:
    """An identity token of API Gateway, as Cloud Run passes it on."""
    claims = {"iss": "https://accounts.google.com", "email": GATEWAY_ACCOUNT}
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    encoded = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return ".".join((*encoded, "SIGNATURE_REMOVED_BY_GOOGLE"))


_IDENTITY = _identity()


def _headers_to(request: web.Request) -> CIMultiDict[str]:
    headers = forwarding.end_to_end(request.headers)
    _authorize(headers)
    # As Google's front ends do before API Gateway and before Cloud Run.
    hops = [*headers.popall("X-Forwarded-For", []), request.remote or "127.0.0.1", "127.0.0.1"]
    headers["X-Forwarded-For"] = ", ".join(hops)
    headers.popall("X-CloudScheduler", None)
    headers.setdefault("X-Forwarded-Host", request.host)
    headers.setdefault("X-Forwarded-Proto", "http")
    return headers


def main() -> None:
    """Serve until a signal arrives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    home = Home.at(parser.parse_args().home)
    layout = Layout.read(home)
    serve(application(home, layout), layout.listen, layout.ports["gateway"])


if __name__ == "__main__":
    main()
