"""Which settings a function reads: those that any module it reaches names."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from infra.package import ROOT
from shared.settings import described
from tests.infra import alone

# Where they are not set, something else is: a database by its URL is for one machine, pushes are
# looked at apart, and everything else has a default that is right everywhere.
_PLACES = ("_bucket", "_topic", "_dataset", "_project", "_location", "_instance", "_user")
_NAMED = re.compile(r"settings(?:\(\))?\.(\w+)")
_REQUIRED = re.compile(r"\.require\(([^)]*)\)")


def needed(names: Sequence[str], folder: Path) -> dict[str, set[str]]:
    """The variables of places that each function's code reads."""
    # What they share is the same in every zip.
    source = alone.unpacked(names[0], folder)
    found = {}
    for name in names:
        shutil.copy(ROOT / "functions" / name / "main.py", source / "main.py")
        found[name] = _needed(source)
    return found


def _needed(source: Path) -> set[str]:
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
