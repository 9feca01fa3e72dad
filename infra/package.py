"""Stages the functions for deployment: `python -m infra.package [--to FOLDER]`.

Each function becomes a zip of its main.py, the modules that main.py reaches, the SQL files of their
packages, the files that function.json names, and the requirements of that function alone. An SQL
file beside a module of its name goes only where that module goes. The same content gives the same
bytes, so a deployment changes only the functions whose content has changed.
"""

import argparse
import hashlib
import sys
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

from infra import functions, imports, requirements
from infra.functions import ROOT, Function, InvalidFunction

_CACHE = "__pycache__"
# The earliest time that a zip can hold, so that the time of a checkout does not change the bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> int:
    """Write the zips, and print the digest and name of each."""
    parser = argparse.ArgumentParser(description="Stage each function as a zip.")
    parser.add_argument("--to", type=Path, default=ROOT / "build", help="folder of the zips")
    folder = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for function in functions.read():
            path = write(function, folder)
            sys.stdout.write(f"{digest(path)} {path.name}\n")
    except InvalidFunction as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def write(function: Function, folder: Path, root: Path = ROOT) -> Path:
    """Write the zip of a function.

    Args:
        function: the function.
        folder: where to write it.
        root: the checkout it comes from.

    Raises:
        InvalidFunction: an import or a requirement cannot be resolved, or a file does not exist.
    """
    path = folder / f"{function.name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents(function, root).items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return path


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(function: Function, root: Path = ROOT) -> dict[str, bytes]:
    """Return the bytes of each file in the zip of a function, by name.

    Raises:
        InvalidFunction: as in `write`.
    """
    folder = root / "functions" / function.name
    modules = imports.reached(folder / "main.py", root).files
    packages = {path.parent for path in modules if path.is_relative_to(root / "shared")}
    files = {
        folder / "main.py",
        *modules,
        *(path for package in packages for path in _sql(package) if _is_reached(path, modules)),
        *(path for name in function.package.files for path in _named(function, root, name)),
    }
    found = {
        path.relative_to(folder if path.is_relative_to(folder) else root).as_posix(): path
        for path in files
    }
    return {
        "requirements.txt": _requirements(function, root).encode(),
        **{name: found[name].read_bytes() for name in sorted(found)},
    }


def _requirements(function: Function, root: Path) -> str:
    try:
        groups = function.package.dependency_groups
        return requirements.pinned(groups, root / "requirements.txt")
    except requirements.UnknownRequirement as error:
        raise InvalidFunction(f"Function {function.name}: {error}") from error


def _sql(folder: Path) -> Iterator[Path]:
    """Find the SQL files of a package, without those of the packages inside it."""
    yield from folder.glob("*.sql")
    for inside in folder.iterdir():
        if inside.is_dir() and not (inside / "__init__.py").exists():
            yield from _sql(inside)


def _is_reached(sql: Path, modules: Collection[Path]) -> bool:
    """Whether a module reads an SQL file: beside a module of its name, only that module does."""
    module = sql.with_name(f"{sql.name.partition('.')[0]}.py")
    return module in modules or not module.exists()


def _named(function: Function, root: Path, name: str) -> Iterator[Path]:
    """Find the files that an entry of `files` names."""
    path = root / name
    if not path.exists():
        raise InvalidFunction(f"Function {function.name}: there is no {name} in the checkout.")
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file() and _CACHE not in file.parts:
            yield file


if __name__ == "__main__":
    sys.exit(main())
