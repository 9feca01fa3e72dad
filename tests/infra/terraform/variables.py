"""The variables that a function reads: those that its routes and reachable modules need."""

import ast
import re
from collections.abc import Iterator, Sequence

from infra import gateway, imports
from infra.functions import FOLDER, ROOT, Function
from shared.http.routes import Route
from shared.settings import SCOPES, described

# Only these settings have no default that is right everywhere; DATABASE_URL is for one machine.
_WITHOUT_DEFAULT = ("_bucket", "_topic", "_dataset", "_project", "_location", "_instance", "_user")
_SETTINGS = re.compile(r"\bsettings(\(\))?$")


def needed(functions: Sequence[Function]) -> dict[str, set[str]]:
    """The variables that each function needs, by its name."""
    routes = gateway.routes(functions)
    return {
        one.name: _of_modules(one) | _of_routes(one, routes.get(one.name, ())) for one in functions
    }


def _of_routes(function: Function, routes: Sequence[Route]) -> set[str]:
    found = {"TOKENS"} if any(route.scope in SCOPES for route in routes) else set()
    pushed = function.trigger.push and function.trigger.signature == "http"
    if pushed or any(route.scheduled for route in routes):
        found |= {"PUSH_AUDIENCE", "PUSH_ACCOUNT", "PUSH_CHECKED_BY_IAM"}
    return found


def _of_modules(function: Function) -> set[str]:
    known = {one.name for one in described()}
    code = imports.reached(FOLDER / function.name / "main.py", ROOT).code
    found = {name for node in code for name in _settings_in(node)} | {"google_cloud_project"}
    return {one.upper() for one in found & known if one.endswith(_WITHOUT_DEFAULT)}


def _settings_in(node: ast.AST) -> Iterator[str]:
    """The names of the settings that a node reads or requires."""
    if isinstance(node, ast.Attribute) and _SETTINGS.search(ast.unparse(node.value)):
        yield node.attr
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".require"):
        yield from (one.value for one in node.args if isinstance(one, ast.Constant))
