"""A function's HTTP application: every request ends here in a response and a log line."""

import gc
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from shared import deadlines, logs, settings
from shared.bulkhead import Bulkhead, Full
from shared.errors import ConfigurationError, TablegateError
from shared.http import bodies, problems, push, queries, slow_callers, throttle, tokens
from shared.http.problems import RETRY_SECONDS, Problem
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, PUSH, Context, Route
from shared.http.throttle import Throttle
from shared.http.tokens import Refusal, TokenFile
from shared.settings import Settings

REQUEST_ID = "Request-Id"
"""The header of each response by which its log lines are found."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@dataclass
class _Visit:
    """What the log line says about a request."""

    route: str = ""
    sender: str = ""
    refused: str = ""
    is_large: bool = False


class FunctionApp:
    """A function's routes as one callable.

    A path matches with and without the function's name before it.

    Args:
        name: the function's name.
        routes: the routes of a resource by function; `GET /healthz` is always added.
        read_settings: reads the settings.
    """

    def __init__(
        self,
        name: str,
        routes: Mapping[str, Sequence[Route]],
        read_settings: Callable[[], Settings] = settings.read,
    ) -> None:
        self.name = name
        self.routes = (*routes[name], Route("GET", "/healthz", _healthy, scope=PUBLIC))
        self._read_settings = read_settings
        self._failures = Throttle()
        self._large_bodies = Bulkhead(bodies.LARGE_BODIES)
        slow_callers.bound_headers()
        self._rules = [
            Rule(route.path, methods=[route.method], endpoint=index)
            for index, route in enumerate(self.routes)
        ]
        urls = Map(self._rules, strict_slashes=False, merge_slashes=False)
        self._urls = urls.bind(name.replace("_", "-"))

    def __call__(self, request: Request) -> Response:
        """Answer a request; every error becomes a problem."""
        started = time.perf_counter()
        visit = _Visit()
        request_id = self._begin(request)
        try:
            response = self._answer(request, visit)
        except Exception as error:  # noqa: BLE001 - nothing above handles it
            response = self._problem(error, visit)
        bodies.discard(request)
        response.headers[REQUEST_ID] = request_id
        for header, value in _HEADERS.items():
            response.headers.setdefault(header, value)
        self._log(request, response, visit, time.perf_counter() - started)
        if visit.is_large:
            # Errors refer to the rows that they are about, and these to them: a cycle, which would
            # be collected many large bodies later.
            gc.collect()
        return response

    @cached_property
    def settings(self) -> Settings:
        """Read the settings of this process.

        Raises:
            ConfigurationError: names every variable that is wrong.
        """
        return self._read_settings()

    @cached_property
    def _token_file(self) -> TokenFile:
        return TokenFile(self.settings.tokens_file)

    def _answer(self, request: Request, visit: _Visit) -> Response:
        path = self._below(request.path)
        if request.method == "OPTIONS":
            return self._options(path)
        route, params = self._match(path, request.method)
        visit.route, secret = route.path, ""
        if route.scope != PUBLIC:
            bodies.limit(request, self._max_bytes(route), self.settings.body_seconds)
            visit.sender, secret = self._caller(request, route)
        if route.scope not in (PUBLIC, PUSH):
            queries.check(request, [p.name for p in route.parameters if p.place == "query"])
        with deadlines.within(self._seconds(route)), self._room(request, route, visit):
            return route.handler(Context(request, params, visit.sender, secret))

    def _max_bytes(self, route: Route) -> int:
        if route.scope == PUSH:
            return push.MAX_BYTES
        most = self.settings.max_body_bytes
        return min(route.body.max_bytes, most) if route.body else most

    @contextmanager
    def _room(self, request: Request, route: Route, visit: _Visit) -> Iterator[None]:
        """Hold a place for a large body: all at once would take more memory than there is."""
        # A body that is not decoded is at most streamed.
        is_decoded = route.scope == PUSH or (route.body is not None and not route.body.is_file)
        if not (is_decoded and bodies.may_be_large(request)):
            yield
            return
        try:
            with self._large_bodies.place():
                visit.is_large = True
                yield
        except Full:
            raise Problem(
                503,
                "try-again",
                "Too many large bodies arrive at once; send the same call again after the seconds "
                "in Retry-After, or smaller ones.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            ) from None

    def _seconds(self, route: Route) -> float | None:
        is_long = route.is_long or route.scope in (PUBLIC, PUSH)
        return None if is_long else self.settings.call_seconds

    def _below(self, path: str) -> str:
        head = f"/{self.name}"
        return path[len(head) :] or "/" if f"{path}/".startswith(f"{head}/") else path

    def _options(self, path: str) -> Response:
        allowed = self._allowed(path)
        if not allowed:
            raise _unknown_path()
        return Response(status=204, headers={"Allow": allowed})

    def _allowed(self, path: str) -> str:
        methods = set(self._urls.allowed_methods(path))
        if rules := self._literal(path):
            methods &= {method for rule in rules for method in rule.methods or ()}
        return ", ".join(sorted({*methods, "OPTIONS"})) if methods else ""

    def _literal(self, path: str) -> list[Rule]:
        """Return the path's rules without placeholders, which win over those with placeholders."""
        path = path.rstrip("/") or "/"
        return [rule for rule in self._rules if not rule.arguments and rule.rule == path]

    def _match(self, path: str, method: str) -> tuple[Route, Mapping[str, Any]]:
        try:
            index, params = self._urls.match(path, method)
            if params and self._literal(path):
                raise MethodNotAllowed
        except NotFound:
            raise _unknown_path() from None
        except MethodNotAllowed:
            allowed = self._allowed(path)
            raise Problem(
                405,
                "method-not-allowed",
                f"This path takes {allowed}; see /openapi.json.",
                headers={"Allow": allowed},
            ) from None
        return self.routes[index], params

    def _caller(self, request: Request, route: Route) -> tuple[str, str]:
        """Return who calls, and the hash of the token."""
        if route.scope == PUSH or (route.scheduled and push.is_identity(request, self.settings)):
            return push.authenticate(request, self.settings), ""
        known = (*self.settings.tokens, *self._token_file.read())
        try:
            token = tokens.authenticate(request, known, route.scope, *route.more_scopes)
        except Refusal as refusal:
            self._count_failure(request, refusal)
            raise
        return token.name, token.sha256

    def _count_failure(self, request: Request, refusal: Refusal) -> None:
        """Count a wrong token; raises a problem if its source has sent too many."""
        if refusal.refused not in ("unknown", "expired"):
            return
        most = self.settings.token_failures_per_minute
        if seconds := self._failures.fail(throttle.source_of(request), most):
            raise Problem(
                429,
                "too-many-wrong-tokens",
                "Too many calls from this address had a wrong token; ask the operator for a new "
                "one, and send it after the seconds in Retry-After.",
                headers={"Retry-After": str(seconds)},
            )

    def _problem(self, error: Exception, visit: _Visit) -> Response:
        problem = problems.of(error)
        if isinstance(error, Refusal):
            visit.refused = error.refused
        elif isinstance(error, TablegateError) and problem.status >= 500:
            # An error in the call itself is not logged: it goes to the caller, and may quote a row.
            logs.line("ERROR", "A call met an error", function=self.name, error=str(error))
        elif problem.status == 500 and not isinstance(error, Problem):
            logs.line("ERROR", "A call failed", function=self.name, **_anatomy(error))
        return problem.response()

    def _begin(self, request: Request) -> str:
        headers = request.headers
        carried = headers.get("traceparent") or headers.get("X-Cloud-Trace-Context")
        try:
            project = self.settings.google_cloud_project
        except ConfigurationError:
            # A call that needs a setting reports the error; a health check needs no settings.
            project = ""
        return logs.begin_request(project, carried)

    def _log(self, request: Request, response: Response, visit: _Visit, seconds: float) -> None:
        if visit.route == "/healthz" and response.status_code == 200:
            return
        status = response.status_code
        facts: dict[str, Any] = {"refused": visit.refused} if visit.refused else {}
        logs.line(
            "ERROR" if status >= 500 else "WARNING" if status in (401, 403) else "INFO",
            "A call was answered",
            function=self.name,
            method=request.method if request.method in _METHODS else "OTHER",
            route=visit.route,
            status=status,
            ms=round(seconds * 1000, 1),
            sender=visit.sender,
            **facts,
        )


def _healthy(_: Context) -> Response:
    return json_response({"status": "ok"})


def _unknown_path() -> Problem:
    return Problem(404, "unknown-path", "There is nothing at this path; see /openapi.json.")


def _anatomy(error: BaseException) -> dict[str, Any]:
    """Return an exception's types and frames, without its message, which may quote a row."""
    chain = list(_causes(error))
    return {
        "exception": [type(link).__name__ for link in chain],
        "frames": [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(chain[-1].__traceback__)
        ],
    }


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
