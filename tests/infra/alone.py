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
from shared import lazy


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
        names = set(_imported(tree)) | _of_wiring(source, tree)
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
            if node.module == "shared.lazy":
                yield from (_behind(alias.name) for alias in node.names)
            yield node.module
            if node.module.startswith("shared") or node.module == "google.cloud":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes(node)


def _behind(name: str) -> str:
    """The module that a name of shared.lazy stands for."""
    found = getattr(lazy, name)
    return vars(found)["_path"] if isinstance(found, lazy.LazyModule) else "shared.lazy"


def _of_wiring(source: Path, tree: ast.AST) -> set[str]:
    """The modules that those functions of wiring use which a module calls."""
    wiring = ast.parse((source / "shared" / "wiring.py").read_text("utf-8"))
    makers = {node.name: node for node in wiring.body if isinstance(node, ast.FunctionDef)}
    modules = {
        alias.asname or alias.name: set(_imported(ast.Module([one], [])))
        for node in wiring.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        for one in [ast.ImportFrom(node.module, [alias], 0)]
    }
    used = {
        node.attr
        for node in _nodes(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "wiring"
    }
    left, seen, found = [name for name in used if name in makers], set[str](), set[str]()
    while left:
        seen.add(name := left.pop())
        called = {node.id for node in ast.walk(makers[name]) if isinstance(node, ast.Name)}
        found |= {module for one in called for module in modules.get(one, ())}
        left += [one for one in called if one in makers and one not in seen]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
