"""The HTTP API, a file per resource: its payloads, handlers and routes."""

from importlib import import_module
from pkgutil import iter_modules

from shared.http.routes import Route
from shared.lazy import Once


@Once
def all_routes() -> dict[str, tuple[Route, ...]]:
    """Return the routes of each function by the function's name."""
    modules = [import_module(f"{__name__}.{entry.name}") for entry in iter_modules(__path__)]
    found = {name: routes for module in modules for name, routes in _routes(module).items()}
    return dict(sorted(found.items()))


def _routes(module: object) -> dict[str, tuple[Route, ...]]:
    # Two resources may belong to the same function.
    return getattr(module, "ROUTES", {})
