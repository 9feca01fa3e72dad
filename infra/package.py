"""Stage what is deployed: `python -m infra.package [--to FOLDER]`.

Each function becomes a zip of its main.py, the shared package and the requirements of that function
alone. The same files give the same bytes, and the list printed names each zip by its digest, so
that a deployment changes only what has changed.
"""

import argparse
import hashlib
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_NOT_DEPLOYED = {"__pycache__"}
# The first moment that a zip can hold: when a file was checked out says nothing about it.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Unpackable(Exception):
    """The checkout's files do not fit together; says which."""


@dataclass(frozen=True)
class Pinned:
    """A distribution as requirements.txt has it.

    Attributes:
        text: its lines, with hashes.
        via: the distributions that ask for it.
    """

    text: str
    via: frozenset[str]


def main() -> None:
    """Write the zips, and print digest and name of each."""
    parser = argparse.ArgumentParser(description="Stage each function as a zip.")
    parser.add_argument("--to", type=Path, default=ROOT / "build", help="folder of the zips")
    folder = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    for name in names():
        path = write(name, folder)
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)  # noqa: T201


def names() -> list[str]:
    """The functions there are."""
    return sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.py"))


def write(name: str, folder: Path) -> Path:
    """Write the zip of a function.

    Raises:
        Unpackable: pyproject.toml or requirements.txt does not have what it needs.
    """
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, data in contents(name):
            entry = zipfile.ZipInfo(inside, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return path


def contents(name: str) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file of a function's zip.

    Raises:
        Unpackable: as `write`.
    """
    yield "main.py", (ROOT / "functions" / name / "main.py").read_bytes()
    yield "requirements.txt", requirements(name).encode()
    for path in sorted((ROOT / "shared").rglob("*")):
        if path.is_file() and not _NOT_DEPLOYED & set(path.parts):
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()


def requirements(name: str) -> str:
    """What a function needs of requirements.txt, with all that this needs in turn.

    Raises:
        Unpackable: as `write`.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["tool"]["tablegate"]["functions"]
    if name not in groups:
        raise Unpackable(f"pyproject.toml names no groups for {name}: [tool.tablegate.functions]")
    wanted = [one for group in groups[name] for one in project["dependency-groups"][group]]
    pinned = read(ROOT / "requirements.txt")
    found = closure([name_of(one) for one in wanted], pinned)
    return "".join(pinned[one].text for one in sorted(found))


def read(path: Path) -> dict[str, Pinned]:
    """The distributions of a compiled file, by name."""
    found: dict[str, Pinned] = {}
    lines: list[str] = []
    for line in [*path.read_text("utf-8").splitlines(keepends=True), "end"]:
        if lines and not line.startswith((" ", "#")):
            found[name_of(lines[0])] = Pinned("".join(lines), _via(lines))
            lines = []
        lines.append(line)
    return found


def closure(wanted: Sequence[str], pinned: Mapping[str, Pinned]) -> set[str]:
    """Distributions and all that they need.

    Raises:
        Unpackable: one is not there.
    """
    found: set[str] = set()
    left = list(wanted)
    while left:
        name = left.pop()
        if name not in pinned:
            raise Unpackable(f"requirements.txt does not have {name}: run make lock")
        if name not in found:
            found.add(name)
            left += [one for one, what in pinned.items() if name in what.via]
    return found


def name_of(requirement: str) -> str:
    """The distribution that a requirement asks for, as registries write it.

    Raises:
        Unpackable: it is no requirement.
    """
    found = _REQUIREMENT.match(requirement)
    if found is None:
        raise Unpackable(f"This is no requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def _via(lines: Sequence[str]) -> frozenset[str]:
    words = [line.strip().lstrip("#").removeprefix(" via").strip() for line in lines[1:]]
    noted = [line.strip().startswith("#") for line in lines[1:]]
    return frozenset(word for word, note in zip(words, noted, strict=True) if note and word)


if __name__ == "__main__":
    main()
