"""A function as Cloud Build has it: its zip, unpacked, and the distributions it asks for, alone."""

import ast
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from infra import package


def unpacked(name: str, folder: Path) -> Path:
    """The zip of a function, unpacked."""
    with zipfile.ZipFile(package.write(name, folder)) as archive:
        archive.extractall(folder / "source")
    return folder / "source"


def environment(source: Path, folder: Path) -> dict[str, str]:
    """Variables under which Python finds what the unpacked requirements name, and nothing else."""
    wanted = package.read(source / "requirements.txt")
    installed = {_normal(one.metadata["Name"]): one for one in distributions()}
    for name, pinned in wanted.items():
        if name not in installed:
            # Of another platform.
            assert " ; " in pinned.text, name
            continue
        found = installed[name]
        assert f"=={found.version} " in pinned.text, name
        for file in found.files or ():
            link = folder / file
            if ".." not in file.parts:
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(found.locate_file(file))
    return {"PYTHONPATH": str(folder), "PYTHONNOUSERSITE": "1", "PATH": os.environ["PATH"]}


def python() -> str:
    """Python without any environment of ours."""
    return os.path.realpath(sys.executable)


def reached(source: Path) -> set[str]:
    """Every module that main.py may come to import, at its start or later."""
    found: set[str] = set()
    left = [source / "main.py"]
    while left:
        tree = ast.parse(left.pop().read_text("utf-8"))
        names = set(_imported(tree))
        for thing in _of_wiring(source, tree):
            names |= set(_imported(thing))
        for name in names - found:
            path = source.joinpath(*name.split("."))
            file = path.with_suffix(".py") if not path.is_dir() else path / "__init__.py"
            if name.startswith("shared") and not file.exists():
                # Something in a module, which is named too.
                continue
            found.add(name)
            if name.startswith("shared") and name != "shared.wiring":
                left.append(file)
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield node.module
            if node.module.startswith("shared") or node.module == "google.cloud":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes(node)


def _of_wiring(source: Path, tree: ast.AST) -> list[ast.AST]:
    """Those functions of wiring that a module makes use of, and those that they do."""
    makers = {
        node.name: node
        for node in ast.parse((source / "shared" / "wiring.py").read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    used = {
        node.attr
        for node in _nodes(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "wiring"
    }
    left, found = [name for name in used if name in makers], set[str]()
    while left:
        found.add(name := left.pop())
        called = {node.id for node in ast.walk(makers[name]) if isinstance(node, ast.Name)}
        left += [one for one in called if one in makers and one not in found]
    return [makers[name] for name in found]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
