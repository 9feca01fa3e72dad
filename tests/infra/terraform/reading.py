"""Which variables a function reads: those that its routes and any module it reaches ask for."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from infra.local.specifications import Function
from infra.package import ROOT
from shared import api
from shared.settings import SCOPES, described
from tests.infra import alone

# A database by its URL is for one machine; everything but places has a default that is right
# everywhere.
_PLACES = ("_bucket", "_topic", "_dataset", "_project", "_location", "_instance", "_user")
_NAMED = re.compile(r"settings(?:\(\))?\.(\w+)")
_REQUIRED = re.compile(r"\.require\(([^)]*)\)")


def needed(functions: Sequence[Function], folder: Path) -> dict[str, set[str]]:
    """The variables that each function cannot do without, by its name."""
    # What they share is the same in every zip.
    source = alone.unpacked(functions[0].name, folder)
    found = {}
    for one in functions:
        shutil.copy(ROOT / "functions" / one.name / "main.py", source / "main.py")
        found[one.name] = _of_places(source) | _of_callers(one)
    return found


def _of_callers(function: Function) -> set[str]:
    routes = api.all_routes().get(function.name, ())
    found = {"TOKENS"} if any(route.scope in SCOPES for route in routes) else set()
    pushed = function.push and function.signature == "http"
    if pushed or any(route.scheduled for route in routes):
        found |= {"PUSH_AUDIENCE", "PUSH_ACCOUNT", "PUSH_CHECKED_BY_IAM"}
    return found


def _of_places(source: Path) -> set[str]:
    known = {one.name for one in described()}
    found = _read(source / "main.py") | {"google_cloud_project"}
    for module in sorted(alone.reached(source)):
        # Wiring's makers, and the settings themselves, are everybody's.
        if module.startswith("shared") and module not in ("shared.wiring", "shared.settings"):
            found |= _read(source / (module.replace(".", "/") + ".py"))
    return {one.upper() for one in found & known if one.endswith(_PLACES)}


def _read(file: Path) -> set[str]:
    if not file.exists():
        return set()
    text = file.read_text("utf-8")
    required = ",".join(_REQUIRED.findall(text))
    return set(_NAMED.findall(text)) | set(re.findall(r'"(\w+)"', required))
