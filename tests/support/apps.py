"""The functions of this checkout, loaded as functions-framework loads them."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import functions_framework
import pytest
from flask import Flask

from shared import wiring
from shared.http.routes import Route
from shared.lazy import Once
from tests.support.checkout import ROOT

# How the things that `shared.wiring` makes are closed.
_CLOSE = {
    "engine": "dispose",
    "storage_client": "close",
    "publisher": "stop",
    "bigquery_client": "close",
}


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


def token(name: str, text: str, *scopes: str) -> dict[str, Any]:
    """A token's entry in the setting TOKENS."""
    return {
        "name": name,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "scopes": list(scopes),
    }


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Mapping[str, str]], None]]:
    """Sets variables that functions loaded afterwards read, for this test."""

    def act(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        forget()

    yield act
    forget()


def forget() -> None:
    """Close and forget what this process has made of its settings."""
    for name, once in vars(wiring).items():
        if isinstance(once, Once):
            if name in _CLOSE and once.is_made:
                getattr(once(), _CLOSE[name])()
            once.forget()
