"""Builds the API gateway's document: every path and method, and the function that answers it.

It is derived from the functions' routes, and Terraform adds the functions' addresses. It leaves out
bodies and responses, which the gateway does not check; the whole document is at /openapi.json.
"""

import re
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.functions import FOLDER, Function, InvalidFunction
from shared.http.app import FunctionApp
from shared.http.document import path_of
from shared.http.routes import PUSH, Route

# Google's front end ends every call after this time, whatever the function's timeout is. Longer
# calls must bypass the gateway.
LONGEST_SECONDS = 600
_PLACE = re.compile(r"\{(\w+)\}")


def routes(functions: Sequence[Function], folder: Path = FOLDER) -> dict[str, tuple[Route, ...]]:
    """Return the routes that callers may use, by the function that answers them.

    Args:
        functions: the functions; those that take events have no routes.
        folder: the folder that holds them.

    Raises:
        InvalidFunction: a main.py has no routes, or cannot be imported.
    """
    return {
        one.name: tuple(
            # A function's health is only for its operators.
            route
            for route in _app(folder / one.name / "main.py").routes
            if route.scope != PUSH and route.path != "/healthz"
        )
        for one in functions
        if one.trigger.signature == "http"
    }


def build(routes: Mapping[str, Sequence[Route]], functions: Sequence[Function]) -> dict[str, Any]:
    """Build the gateway's document: OpenAPI 3.0 with Google's extensions, without addresses.

    Args:
        routes: the routes of each function by its name.
        functions: the functions.
    """
    paths: dict[str, dict[str, Any]] = {}
    for name, of_function in routes.items():
        for route in of_function:
            path = path_of(name, route)
            paths.setdefault(path, {})[route.method.lower()] = _operation(name, route, path)
    return {
        "openapi": "3.0.4",
        "info": {"title": "Tablegate", "version": "1"},
        "x-google-api-management": {
            "backends": {one.name: _backend(one) for one in functions if routes.get(one.name)}
        },
        "paths": paths,
    }


def _app(main: Path) -> FunctionApp:
    try:
        names = runpy.run_path(str(main))
    except ImportError as error:
        raise InvalidFunction(f"{main} cannot be imported: {error}.") from error
    for value in names.values():
        if isinstance(value, FunctionApp):
            return value
    raise InvalidFunction(f"{main} has no FunctionApp with the routes of the function.")


def _backend(function: Function) -> dict[str, Any]:
    return {
        "pathTranslation": "APPEND_PATH_TO_ADDRESS",
        "deadline": float(min(function.limits.timeout_seconds, LONGEST_SECONDS)),
    }


def _operation(function: str, route: Route, path: str) -> dict[str, Any]:
    places = _PLACE.findall(path)
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *re.findall(r"\w+", path)]),
        "x-google-backend": function,
        "responses": {"200": {"description": "As the function answers."}},
    }
    if places:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in places
        ]
    return operation
