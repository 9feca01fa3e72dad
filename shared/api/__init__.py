"""The routes of every function, one file each: what the doors, the document and the tests share.

A function's main.py gives each route of its file a handler: `Door(NAME, [READ.to(read)])`. Routes
that only Pub/Sub calls need no file here.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from shared.http.routes import Route


@cache
def all_routes() -> dict[str, tuple[Route, ...]]:
    """The routes of every function by its name, without their handlers."""
    return {
        entry.name: import_module(f"{__name__}.{entry.name}").ROUTES
        for entry in iter_modules(__path__)
    }
