"""Picks the pinned requirements of dependency groups from a compiled file, with their hashes."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class UnknownRequirement(Exception):
    """A dependency group does not exist, or a distribution is not pinned; the text names it."""


@dataclass(frozen=True)
class Pinned:
    """A distribution in a compiled requirements file.

    Attributes:
        text: its lines, with hashes.
        via: the distributions that need it.
    """

    text: str
    via: frozenset[str]


def pinned(groups: Sequence[str], file: Path) -> str:
    """Return the lines of a compiled file that some dependency groups need, with dependencies.

    Args:
        groups: names of groups in the pyproject.toml next to the file.
        file: the compiled file.

    Raises:
        UnknownRequirement: a group does not exist, or a distribution is not in the file.
    """
    project = tomllib.loads(file.with_name("pyproject.toml").read_text("utf-8"))
    wanted = [one for group in groups for one in _of_group(group, project["dependency-groups"])]
    known = read(file)
    names = closure([name_of(one) for one in wanted], known, file.name)
    return "".join(known[name].text for name in sorted(names))


def read(file: Path) -> dict[str, Pinned]:
    """Read the distributions of a compiled file by name."""
    found: dict[str, Pinned] = {}
    lines: list[str] = []
    for line in [*file.read_text("utf-8").splitlines(keepends=True), "end"]:
        if lines and not line.startswith((" ", "#")):
            found[name_of(lines[0])] = Pinned("".join(lines), _via(lines))
            lines = []
        lines.append(line)
    return found


def closure(wanted: Sequence[str], known: Mapping[str, Pinned], file: str) -> set[str]:
    """Return some distributions and everything that they need.

    Args:
        wanted: names of the distributions.
        known: the pinned distributions.
        file: where they are pinned, for the error.

    Raises:
        UnknownRequirement: a distribution is not pinned.
    """
    found: set[str] = set()
    left = list(wanted)
    while left:
        name = left.pop()
        if name not in known:
            raise UnknownRequirement(f"{file} does not pin {name}; run `make lock`.")
        if name not in found:
            found.add(name)
            left += [one for one, what in known.items() if name in what.via]
    return found


def name_of(requirement: str) -> str:
    """Return the normalized name of the distribution that a requirement names.

    Raises:
        UnknownRequirement: the text does not name a distribution.
    """
    found = _NAME.match(requirement)
    if found is None:
        raise UnknownRequirement(f"Not a requirement: {requirement!r}.")
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def _of_group(group: str, groups: Mapping[str, Any]) -> Iterator[str]:
    if group not in groups:
        raise UnknownRequirement(f"pyproject.toml has no dependency group {group!r}.")
    for entry in groups[group]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _of_group(entry["include-group"], groups)


def _via(lines: Sequence[str]) -> frozenset[str]:
    words = [line.strip().lstrip("#").removeprefix(" via").strip() for line in lines[1:]]
    noted = [line.strip().startswith("#") for line in lines[1:]]
    return frozenset(word for word, note in zip(words, noted, strict=True) if note and word)
