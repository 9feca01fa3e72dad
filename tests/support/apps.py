"""The functions of this checkout, loaded as functions-framework loads them."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import functions_framework
from flask import Flask

from shared.http.routes import Route
from tests.support.checkout import ROOT


@dataclass(frozen=True)
class Function:
    """A function, loaded.

    Attributes:
        app: as a WSGI application.
        routes: its routes.
    """

    app: Flask
    routes: Sequence[Route]


def names() -> list[str]:
    """Every function that has routes of its own."""
    mains = sorted((ROOT / "functions").glob("*/main.py"))
    return [path.parent.name for path in mains if "app = FunctionApp(" in path.read_text("utf-8")]


def load(name: str) -> Function:
    """A function, new: it reads the settings of the environment at its first call."""
    kept_environment, kept_path = dict(os.environ), list(sys.path)
    try:
        source = str(ROOT / "functions" / name / "main.py")
        app = functions_framework.create_app(name, source, "http")
        return Function(app, sys.modules["main"].app.routes)
    finally:
        # The framework leaves traces of its own.
        os.environ.clear()
        os.environ.update(kept_environment)
        sys.path[:] = kept_path
        sys.modules.pop("main", None)
