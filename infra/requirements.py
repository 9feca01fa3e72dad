"""The pinned requirements of some groups: `python -m infra.requirements functions local`.

Those of requirements-dev.txt that the groups of pyproject.toml need, with hashes: what an image
installs that is to run the platform and not its tests.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra import package


def pinned(groups: Sequence[str]) -> str:
    """The pinned requirements of groups, and all that they need in turn.

    Raises:
        Unpackable: there is no such group, or something is not pinned.
    """
    project = tomllib.loads((package.ROOT / "pyproject.toml").read_text("utf-8"))
    known = package.read(package.ROOT / "requirements-dev.txt")
    wanted = [one for group in groups for one in _of_group(group, project["dependency-groups"])]
    names = package.closure([package.name_of(one) for one in wanted], known)
    return "".join(known[name].text for name in sorted(names))


def _of_group(group: str, groups: Mapping[str, Any]) -> Iterator[str]:
    if group not in groups:
        raise package.Unpackable(f"pyproject.toml has no dependency group {group!r}")
    for entry in groups[group]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _of_group(entry["include-group"], groups)


if __name__ == "__main__":
    sys.stdout.write(pinned(sys.argv[1:]))
