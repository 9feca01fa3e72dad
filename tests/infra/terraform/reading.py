"""The variables that a function reads: for its routes, and in the modules that it reaches."""

import ast
import re
from collections.abc import Iterator, Sequence

from infra import gateway, imports
from infra.functions import FOLDER, ROOT, Function
from shared.http.routes import Route
from shared.settings import SCOPES, described

# Settings that name places. The others have a default that is right everywhere, except
# DATABASE_URL, which is not used on Google Cloud.
_PLACES = ("_bucket", "_topic", "_dataset", "_project", "_location", "_instance", "_user")
_SETTINGS = re.compile(r"\bsettings(\(\))?$")


def needed(functions: Sequence[Function]) -> dict[str, set[str]]:
    """The variables that each function needs, by its name."""
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
    found = {name for node in code for name in _settings_in(node)} | {"google_cloud_project"}
    return {one.upper() for one in found & known if one.endswith(_PLACES)}


def _settings_in(node: ast.AST) -> Iterator[str]:
    """The names of settings that a node reads, or requires to be set."""
    if isinstance(node, ast.Attribute) and _SETTINGS.search(ast.unparse(node.value)):
        yield node.attr
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".require"):
        yield from (one.value for one in node.args if isinstance(one, ast.Constant))
