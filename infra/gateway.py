"""What the API gateway is told: every path and method of the functions, and who answers it.

Derived from the routes that the functions themselves answer by; Terraform adds where the functions
are. Bodies and answers are left out, for the gateway looks at neither: the whole document is served
at /openapi.json.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.specifications import Function
from shared.http.document import path_of
from shared.http.routes import PUSH, Route

# Google's front end gives up after so long, whatever the function may take; a call that takes
# longer is made past the gateway.
LONGEST_SECONDS = 600
_PLACE = re.compile(r"\{(\w+)\}")


def build(routes: Mapping[str, Sequence[Route]], functions: Sequence[Function]) -> dict[str, Any]:
    """The gateway's document, OpenAPI 3.0 with Google's extensions, without addresses.

    Args:
        routes: of each function by its name.
        functions: as they are deployed.
    """
    paths: dict[str, dict[str, Any]] = {}
    for name, of_function in routes.items():
        for route in of_function:
            if route.scope != PUSH:
                path = path_of(name, route)
                paths.setdefault(path, {})[route.method.lower()] = _operation(name, route, path)
    return {
        "openapi": "3.0.4",
        "info": {"title": "Tablegate", "version": "1"},
        "x-google-api-management": {
            "backends": {
                one.name: _backend(one) for one in functions if _is_shown(routes.get(one.name, ()))
            }
        },
        "paths": paths,
    }


def _is_shown(routes: Sequence[Route]) -> bool:
    return any(route.scope != PUSH for route in routes)


def _backend(function: Function) -> dict[str, Any]:
    return {
        "pathTranslation": "APPEND_PATH_TO_ADDRESS",
        "deadline": float(min(function.timeout_seconds, LONGEST_SECONDS)),
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
