"""The kinds of field, one file each. To add a kind, add a file here."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from shared.errors import ConfigurationError
from shared.tables.kind import Kind


def _found() -> Mapping[str, type[Kind]]:
    modules = [import_module(f"{__name__}.{entry.name}") for entry in iter_modules(__path__)]
    kinds: dict[str, type[Kind]] = {}
    for module in modules:
        for name, found in vars(module).items():
            # Skip kinds that a file imports from another, and classes that several share.
            if not isinstance(found, type) or not issubclass(found, Kind):
                continue
            if found.__module__ != module.__name__ or name.startswith("_"):
                continue
            if name in kinds:
                raise ConfigurationError(
                    f"{kinds[name].__module__} and {module.__name__} both define a kind {name}; "
                    "give one of them another name."
                )
            kinds[name] = found
    return kinds


KINDS = _found()
"""Every kind by the name of its class."""
