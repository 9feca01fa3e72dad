"""The kinds of field, one file each. To add a kind, add a file here."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from shared.tables.kind import Kind


def _found() -> Mapping[str, type[Kind]]:
    modules = [import_module(f"{__name__}.{entry.name}") for entry in iter_modules(__path__)]
    return {
        name: found
        for module in modules
        for name, found in vars(module).items()
        # Skip kinds that a file imports from another, and classes that several share.
        if isinstance(found, type) and issubclass(found, Kind)
        if found.__module__ == module.__name__ and not name.startswith("_")
    }


KINDS = _found()
"""Every kind by the name of its class."""
