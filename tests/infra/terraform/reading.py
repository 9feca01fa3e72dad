"""Which variables a function reads: those that its routes and any module it reaches ask for."""

import ast
import re
from collections.abc import Sequence

from infra import gateway, imports
from infra.functions import FOLDER, ROOT, Function
from shared.http.routes import Route
from shared.settings import SCOPES, described

# A database by its URL is for one machine; everything but places has a default that is right
# everywhere.
_PLACES = ("_bucket", "_topic", "_dataset", "_project", "_location", "_instance", "_user")
_NAMED = re.compile(r"settings(?:\(\))?\.(\w+)")
_REQUIRED = re.compile(r"\.require\(([^)]*)\)")


def needed(functions: Sequence[Function]) -> dict[str, set[str]]:
    """The variables that each function cannot do without, by its name."""
    routes = gateway.routes(functions)
    return {
        one.name: _of_places(one) | _of_callers(one, routes.get(one.name, ())) for one in functions
    }


def _of_callers(function: Function, routes: Sequence[Route]) -> set[str]:
    found = {"TOKENS"} if any(route.scope in SCOPES for route in routes) else set()
    pushed = function.trigger.push and function.trigger.signature == "http"
    if pushed or any(route.scheduled for route in routes):
        found |= {"PUSH_AUDIENCE", "PUSH_ACCOUNT", "PUSH_CHECKED_BY_IAM"}
    return found


def _of_places(function: Function) -> set[str]:
    known = {one.name for one in described()}
    code = imports.reached(FOLDER / function.name / "main.py", ROOT).code
    found = _read("\n".join(map(ast.unparse, code))) | {"google_cloud_project"}
    return {one.upper() for one in found & known if one.endswith(_PLACES)}


def _read(text: str) -> set[str]:
    required = ",".join(_REQUIRED.findall(text))
    return set(_NAMED.findall(text)) | set(re.findall(r"['\"](\w+)['\"]", required))
