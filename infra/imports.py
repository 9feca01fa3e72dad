"""Finds the modules that a function reaches, from its source alone.

An import at the top of a module counts once the module is reached. An import inside a function or
method counts once reached code names that function or the class of the method.
`iter_modules(__path__)` stands for every module of its package. Imports under `if TYPE_CHECKING:`
never count.
"""

import ast
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from infra.functions import InvalidFunction

_OURS = "shared"
# Its names stand for libraries that are imported on first use.
_LAZY = "shared.lazy."
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Reached:
    """The modules and code that a function's main.py may import and run, at its start or later.

    A module that only `iter_modules` finds is only in `files`: which of its functions are called
    depends on how they are registered.

    Attributes:
        files: the modules of this checkout, sorted, without the main.py.
        code: every node of the code that may run, in these modules and the main.py.
        libraries: statements that import everything else, including what `shared.lazy` imports on
            first use; they must work with what the function's dependency groups install.
    """

    files: tuple[Path, ...]
    code: tuple[ast.AST, ...]
    libraries: frozenset[str]


def reached(main: Path, root: Path) -> Reached:
    """Find what a function's main.py may import and run.

    Args:
        main: the main.py; modules next to it are included.
        root: folder that holds `shared`.

    Raises:
        InvalidFunction: an import cannot be followed; the text says which one and why.
    """
    walk = _Walk(main.parent, root)
    walk.run_all(_module(main, "main", main.parent, main.read_text("utf-8")))
    files = tuple(sorted(walk.files - {main}))
    return Reached(files, tuple(walk.code), frozenset(walk.libraries))


@dataclass(frozen=True)
class _Module:
    """A module of this checkout.

    Attributes:
        file: its file.
        name: its dotted name.
        folder: the folder of its package.
        source: what the file holds.
    """

    file: Path
    name: str
    folder: Path
    source: str

    @cached_property
    def top(self) -> tuple[ast.AST, ...]:
        """Every node of the code that runs when the module is imported."""
        deferred = {one for code in self.deferred.values() for one in code}
        return tuple(_nodes(self.tree.body, deferred))

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.source, str(self.file))

    @cached_property
    def deferred(self) -> dict[str, list[ast.AST]]:
        """The code that runs only if a function or class is used, by its name.

        Python itself calls `__getattr__` and its like, and a decorator that is more than a name,
        such as `@app.get("/")`, may register its function: such functions run without being named.
        """
        found: dict[str, list[ast.AST]] = {}
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = [one for one in node.body if isinstance(one, _DEFINITIONS)]
            elif (
                isinstance(node, _DEFINITIONS)
                and not node.name.startswith("__")
                and all(isinstance(one, ast.Name) for one in node.decorator_list)
            ):
                found[node.name] = [node]
        return found

    @cached_property
    def imported(self) -> dict[str, str]:
        """The dotted name behind each name that the module imports."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        found[alias.asname] = alias.name
        return found


@dataclass
class _Walk:
    """Follows names through modules.

    Attributes:
        folder: the folder of the function.
        root: the folder that holds `shared`.
        files: the modules reached so far.
        code: the code followed so far.
        libraries: statements that import modules outside this checkout.
    """

    folder: Path
    root: Path
    files: set[Path] = field(default_factory=set)
    code: list[ast.AST] = field(default_factory=list)
    libraries: set[str] = field(default_factory=set)
    _modules: dict[str, _Module | None] = field(default_factory=dict)
    _used: set[tuple[str, str]] = field(default_factory=set)
    _iterating: bool = False

    def run_all(self, module: _Module) -> None:
        """Follow a module with all of its functions and classes."""
        self._run_top(module)
        for name in module.deferred:
            self._use(module, name)

    def _run_top(self, module: _Module) -> None:
        """Follow what runs when a module is imported: its packages and its top-level code."""
        if module.file in self.files:
            return
        self.files.add(module.file)
        if package := self._find(module.name.rpartition(".")[0]):
            self._run_top(package)
        self._follow(module, module.top)

    def _use(self, module: _Module, name: str, attribute: str = "") -> None:
        """Follow what a name stands for in a module, or an attribute of it."""
        if name in module.deferred:
            if (module.name, name) not in self._used:
                self._used.add((module.name, name))
                self._follow(module, _nodes(module.deferred[name]))
            return
        target = module.imported.get(name, "")
        package, _, member = target.rpartition(".")
        if target.startswith(_LAZY):
            self._need(f"from shared.lazy import {member}; {member}.__name__")
        elif other := self._find(target):
            # If a module is passed as a value, any of its functions may be called.
            self._use(other, attribute) if attribute else self.run_all(other)
        elif other := self._find(package):
            self._use(other, member)

    def _need(self, library: str) -> None:
        if not self._iterating:
            self.libraries.add(library)

    def _follow(self, module: _Module, nodes: Iterable[ast.AST]) -> None:
        followed: set[ast.expr] = set()
        for node in nodes:
            if not self._iterating:
                self.code.append(node)
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(module, node)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("iter_modules"):
                self._iterate(module, node)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                followed.add(node.value)
                self._use(module, node.value.id, node.attr)
            elif isinstance(node, ast.Name) and node not in followed:
                self._use(module, node.id)

    def _import(self, module: _Module, node: ast.Import | ast.ImportFrom) -> None:
        where = f"{module.file}:{node.lineno}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                if found := self._find_ours(alias.name, where):
                    # `import shared.x` binds `shared`, through which any function may be called.
                    (self._run_top if alias.asname else self.run_all)(found)
                else:
                    self._need(ast.unparse(node))
            return
        if node.level or node.module is None:
            raise InvalidFunction(f"{where}: write the import with the whole name of the module.")
        if source := self._find_ours(node.module, where):
            self._run_top(source)
            for alias in node.names:
                if submodule := self._find(f"{node.module}.{alias.name}"):
                    self._run_top(submodule)
        elif node.module != "__future__":
            self._need(ast.unparse(node))

    def _iterate(self, module: _Module, call: ast.Call) -> None:
        if [ast.unparse(one) for one in call.args] != ["__path__"]:
            raise InvalidFunction(
                f"{module.file}:{call.lineno}: only iter_modules(__path__) can be followed."
            )
        outer, self._iterating = self._iterating, True
        for file in [*module.folder.glob("*.py"), *module.folder.glob("*/__init__.py")]:
            name = file.relative_to(module.folder).with_suffix("").parts[0]
            found = self._find(f"{module.name}.{name}")
            if found is not None and name not in ("__init__", "__main__"):
                self.run_all(found)
        self._iterating = outer

    def _find_ours(self, name: str, where: str) -> _Module | None:
        found = self._find(name)
        if found is None and name.split(".", 1)[0] == _OURS:
            raise InvalidFunction(f"{where}: there is no module {name}.")
        return found

    def _find(self, name: str) -> _Module | None:
        """Find the module of this checkout with that dotted name, or return None."""
        if name not in self._modules:
            self._modules[name] = self._look_up(name)
        return self._modules[name]

    def _look_up(self, name: str) -> _Module | None:
        if not name:
            return None
        parts = name.split(".")
        path = (self.root if parts[0] == _OURS else self.folder).joinpath(*parts)
        for file, folder in ((path / "__init__.py", path), (path.with_suffix(".py"), path.parent)):
            if file.is_file():
                return _module(file, name, folder, file.read_text("utf-8"))
        return None


# The functions share most of their modules, and parsing them is most of the work.
_module = lru_cache(maxsize=1024)(_Module)


def _nodes(code: Sequence[ast.AST], without: Container[ast.AST] = ()) -> Iterator[ast.AST]:
    """Yield every node of some code, outer ones first, without code for type checkers only."""
    for node in code:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _nodes(node.orelse, without)
        elif node not in without:
            hints = (getattr(node, "annotation", None), getattr(node, "returns", None))
            yield node
            inside = [one for one in ast.iter_child_nodes(node) if one not in hints]
            yield from _nodes(inside, without)
