"""Who may import whom: each package of shared imports only from the layers below it."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Lowest first. A package missing from this list fails the test until it gets a layer.
LAYERS = [
    {"bulkhead", "deadlines", "errors", "lazy", "logs", "formulas", "moments"},
    {"settings", "strict_json"},
    {"http", "tokens"},
    {"tables"},
    {"pipeline", "database", "storage", "messages", "dataflow"},
    {"validation", "avro", "metrics"},
    {"loading", "backups", "warehouse"},
    {"wiring"},
    {"dashboard", "ingest", "stored_rows"},
    {"api", "events", "looker"},
]
SAME_LAYER: set[tuple[str, str]] = set()
# HTTP knows nothing of the domain, and the domain knows nothing of HTTP.
ONLY_FOR = {"http": {"api", "dashboard", "events"}}


def layer(package):
    found = [number for number, packages in enumerate(LAYERS) if package in packages]
    assert found, f"shared/{package} has no layer: give it one in {Path(__file__).name}"
    return found[0]


def imports(path):
    """The modules a file imports at any depth, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(folder):
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", sources("shared"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_imports_only_from_the_layers_below(path):
    parts = path.relative_to(ROOT / "shared").with_suffix("").parts
    package = parts[0]
    # A command may import anything: it is an entry point, as a function is.
    if package == "__init__" or parts[-1] == "__main__":
        return
    for name in imports(path):
        assert not name.startswith(("functions", "infra", "tests")), f"{path} imports {name}"
        pieces = name.split(".")
        if pieces[0] != "shared" or len(pieces) == 1 or pieces[1] == package:
            continue
        assert package in ONLY_FOR.get(pieces[1], {package}), (
            f"{path} must not import shared/{pieces[1]}"
        )
        below = layer(pieces[1]) < layer(package)
        assert below or (package, pieces[1]) in SAME_LAYER, (
            f"{path} imports upwards from shared/{pieces[1]}"
        )


def dotted(path):
    """The module name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_used(path, known):
    """The known modules that a file imports; a package counts only if a name of it is used."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from known & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from known & modules
            yield from known & {node.module} if modules - known else ()


@pytest.mark.parametrize("folder", ["shared", "infra"])
def test_there_are_no_import_cycles(folder):
    # Imports inside functions and for type checking count: they only hide a cycle.
    paths = {dotted(path): path for path in sources(folder)}
    graph = {name: {*modules_used(path, paths.keys())} for name, path in paths.items()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"an import cycle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("path", sources("shared"), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_settings_and_the_wiring_read_the_environment(path):
    if path.name in ("settings.py", "wiring.py"):
        return
    text = path.read_text(encoding="utf-8")
    assert "os.environ" not in text
    assert "getenv" not in text


@pytest.mark.parametrize("path", sources("functions"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_holds_no_sql_and_reads_no_environment(path):
    text = path.read_text(encoding="utf-8")
    for word in ("environ", "select ", "insert into"):
        assert word not in text


@pytest.mark.parametrize(
    "path",
    [*sources("shared"), *sources("functions")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_imports_are_at_the_top_of_the_file(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = [
        f"{path}:{node.lineno}"
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert not inside, "import heavy modules through shared.lazy"
