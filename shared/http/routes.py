"""Routes, and the door that a function's routes make."""

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from flask import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from shared import logs, settings
from shared.errors import ConfigurationError, TablegateError
from shared.http import bodies, problems, push, tokens
from shared.http.answers import json_answer
from shared.http.descriptions import Answer, Body, Parameter
from shared.http.problems import Problem
from shared.settings import Settings

PUBLIC: Final = "public"
"""The scope of a route that anybody may call."""

PUSH: Final = "push"
"""The scope of a route that only the platform's own Pub/Sub subscriptions may call."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Call:
    """A call that was let in.

    Attributes:
        request: as Flask has it; its body is bounded.
        params: what the route's path holds.
        sender: the token's name, the push service's account, or empty on a public route.
    """

    request: Request
    params: Mapping[str, Any]
    sender: str


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class Route:
    """One path and method of a function, with all that its documentation says.

    Attributes:
        method: HTTP method.
        path: werkzeug rule below the function's name: `/`, `/<table>`, `/batches/<uuid:batch_id>`.
        handler: what answers; a table of routes leaves it out, and the function adds it with `to`.
        scope: one of `settings.SCOPES`, `PUBLIC` or `PUSH`.
        summary: a few words.
        description: sentences; Markdown.
        parameters: of path, query and headers.
        body: the JSON body it takes, or None.
        answers: how it is answered when all is well.
        problems: slugs by status, beside those that every route can have.
        scheduled: whether the scheduler may call it too, with the push service's identity.
        at_root: whether the path is documented without the function's name before it.
        documented: whether the document tells of it.
    """

    method: str
    path: str
    handler: Handler | None = None
    _: KW_ONLY
    scope: str
    summary: str = ""
    description: str = ""
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    answers: Sequence[Answer] = ()
    problems: Mapping[int, Sequence[str]] = field(default_factory=dict)
    scheduled: bool = False
    at_root: bool = False
    documented: bool = True

    def to(self, handler: Handler) -> "Route":
        """The same route, answered by `handler`."""
        return replace(self, handler=handler)


@dataclass
class _Visit:
    """What the log says of a request."""

    route: str = ""
    sender: str = ""
    refused: str = ""


class Door:
    """A function's routes as one callable; every request ends here in an answer and a log line.

    Paths are taken with and without the function's name before them.

    Args:
        name: the function's name.
        routes: its routes, each with a handler; `GET /healthz` is there always.
        read_settings: where the settings come from.
    """

    def __init__(
        self,
        name: str,
        routes: Sequence[Route],
        read_settings: Callable[[], Settings] = settings.read,
    ) -> None:
        self.name = name
        self.routes = (*routes, Route("GET", "/healthz", _healthy, scope=PUBLIC))
        self._read_settings = read_settings
        self._rules = [
            Rule(route.path, methods=[route.method], endpoint=index)
            for index, route in enumerate(self.routes)
        ]
        urls = Map(self._rules, strict_slashes=False, merge_slashes=False)
        urls.update()
        self._urls = urls.bind(name.replace("_", "-"))

    def __call__(self, request: Request) -> Response:
        """Answer a request, whatever becomes of it."""
        started = time.perf_counter()
        visit = _Visit()
        try:
            self._trace(request)
            response = self._answer(request, visit)
        except Exception as error:  # noqa: BLE001 - the one place where everything ends
            response = self._problem(error, visit)
        bodies.discard(request)
        for header, value in _HEADERS.items():
            response.headers.setdefault(header, value)
        self._log(request, response, visit, time.perf_counter() - started)
        return response

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process.

        Raises:
            ConfigurationError: naming every variable that is wrong.
        """
        return self._read_settings()

    def _answer(self, request: Request, visit: _Visit) -> Response:
        path = self._below(request.path)
        if request.method == "OPTIONS":
            return self._options(path)
        route, params = self._match(path, request.method)
        visit.route = route.path
        if route.scope != PUBLIC:
            bodies.bound(request, self.settings.max_body_bytes)
            visit.sender = self._sender(request, route)
        if route.handler is None:
            raise NotImplementedError(f"{self.name} {route.method} {route.path} has no handler")
        return route.handler(Call(request, params, visit.sender))

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
        """The rules that are this very path, which hide those with places that it would fit."""
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

    def _sender(self, request: Request, route: Route) -> str:
        if route.scope == PUSH or (route.scheduled and push.is_identity(request)):
            return push.authenticate(request, self.settings)
        return tokens.authenticate(request, self.settings.tokens, route.scope).name

    def _problem(self, error: Exception, visit: _Visit) -> Response:
        problem = problems.of(error)
        if isinstance(error, tokens.Refusal):
            visit.refused = error.refused
        elif isinstance(error, TablegateError) and problem.status >= 500:
            # What is wrong with a call itself is told to its caller, and may quote it.
            logs.line("ERROR", "A call met a fault", function=self.name, error=str(error))
        elif problem.status == 500 and not isinstance(error, Problem):
            logs.line("ERROR", "A call failed", function=self.name, **_anatomy(error))
        return problem.answer()

    def _trace(self, request: Request) -> None:
        headers = request.headers
        carried = headers.get("traceparent") or headers.get("X-Cloud-Trace-Context")
        try:
            project = self.settings.google_cloud_project
        except ConfigurationError:
            # Said by the call itself, if it needs a setting; a health check needs none.
            project = ""
        logs.set_trace(project, carried)

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


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _healthy(_: Call) -> Response:
    return json_answer({"status": "ok"})


def _unknown_path() -> Problem:
    return Problem(404, "unknown-path", "There is nothing at this path; see /openapi.json.")


def _anatomy(error: BaseException) -> dict[str, Any]:
    """Types and frames; what an exception says may quote a row."""
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
