"""The deployed zips: each has the modules that its function reaches, and runs by itself."""

import ast
import json
import shutil
import subprocess
from pathlib import PurePosixPath

import httpx
import pytest

from infra import functions, gateway, imports, package, requirements
from infra.functions import FOLDER, ROOT, InvalidFunction
from shared.http.routes import PUBLIC
from tests.infra import isolated

FUNCTIONS = {one.name: one for one in functions.read()}
PAGES = gateway.routes(tuple(FUNCTIONS.values()))


@pytest.fixture
def checkout(tmp_path):
    """A copy of the files that zips are made from."""
    for name in ("functions", "shared"):
        cached = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, ignore=cached)
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / "copy")
    return tmp_path / "copy"


def zips(checkout, folder):
    """The digest of each function's zip."""
    folder.mkdir()
    found = functions.read(checkout / "functions")
    return {one.name: package.digest(package.write(one, folder, checkout)) for one in found}


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """The digest of each function's zip, before anything is changed."""
    return zips(ROOT, tmp_path_factory.mktemp("zips") / "original")


def changed_by(checkout, path, line, original):
    """The functions whose zip changes when a line is added to a file of the copy."""
    with (checkout / path).open("a") as file:
        file.write(line)
    changed = zips(checkout, checkout / "changed")
    return {name for name in original if original[name] != changed[name]}


def test_every_folder_is_packaged():
    assert set(FUNCTIONS) == {path.parent.name for path in FOLDER.glob("*/main.py")}


def test_the_same_files_give_the_same_bytes(checkout, original):
    for path in (checkout / "shared").rglob("*"):
        path.touch()

    assert zips(checkout, checkout / "copied") == original


def test_a_style_sheet_changes_only_the_dashboard(checkout, original):
    path = "shared/dashboard/page/style/colours.css"

    assert changed_by(checkout, path, "/* A colour. */\n", original) == {"dashboard"}


def test_a_table_changes_the_functions_that_read_the_dictionary(checkout, original):
    changed = changed_by(checkout, "shared/tables/jobs.py", "# A table.\n", original)

    # The metrics read only BigQuery's tables.
    assert changed == set(FUNCTIONS) - {"hires_by_quarter", "departments_above_mean"}


def test_a_comment_in_backups_changes_the_functions_that_read_or_write_them(checkout, original):
    changed = changed_by(checkout, "shared/backups/snapshot.py", "# A comment.\n", original)

    # The OpenAPI document is made of the resources, which import what they call.
    assert changed == {"backup_table", "restore_table", "api_docs"}


def test_a_query_changes_the_functions_that_use_its_package(checkout, original):
    changed = changed_by(checkout, "shared/dashboard/sql/reasons.sql", "-- A comment.\n", original)

    assert changed == {"dashboard", "api_docs"}


def test_a_new_table_is_in_the_zips_of_the_functions_that_read_the_dictionary(checkout):
    shutil.copy(checkout / "shared/tables/jobs.py", checkout / "shared/tables/orders.py")

    inside = package.contents(FUNCTIONS["store_rows"], checkout)

    assert "shared/tables/orders.py" in inside


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_zip_holds_every_module_that_its_modules_import(function):
    inside = package.contents(function)
    missing = {
        f"{name} imports {imported}"
        for name, data in inside.items()
        if name.endswith(".py")
        for imported in imports_of(data)
        if is_module(imported) and not {f"{imported}.py", f"{imported}/__init__.py"} & set(inside)
    }

    assert missing == set()


def imports_of(data):
    """The path of everything that a module imports, wherever the statement is."""
    tree = ast.parse(data)
    for guard in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if ast.unparse(guard.test) == "TYPE_CHECKING":
            guard.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            yield from (name.replace(".", "/") for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name.replace(".", "/") for alias in node.names)


def is_module(name):
    return (ROOT / f"{name}.py").is_file() or (ROOT / name / "__init__.py").is_file()


def test_a_missing_file_is_reported(checkout):
    shutil.rmtree(checkout / "shared/dashboard/page")

    with pytest.raises(
        InvalidFunction, match="Function dashboard: there is no shared/dashboard/page"
    ):
        package.contents(FUNCTIONS["dashboard"], checkout)


def test_a_function_requires_only_libraries_that_it_uses():
    metrics, gate = (
        package.contents(FUNCTIONS[name])["requirements.txt"].decode()
        for name in ("hires_by_quarter", "insert_rows")
    )

    assert "google-cloud-bigquery==" in metrics
    assert "pg8000==" not in metrics
    assert "pg8000==" in gate
    assert "google-cloud-bigquery==" not in gate
    assert "--hash=sha256:" in gate


def test_a_distribution_that_is_not_pinned_is_reported():
    with pytest.raises(requirements.UnknownRequirement, match=r"a\.txt does not pin nothing-such"):
        requirements.closure(["nothing-such"], {}, "a.txt")


def test_a_missing_dependency_group_is_reported(checkout):
    text = (checkout / "pyproject.toml").read_text("utf-8")
    (checkout / "pyproject.toml").write_text(text.replace("\nstorage = ", "\nstores = "))

    with pytest.raises(InvalidFunction, match=r"dashboard: .* no dependency group 'storage'"):
        package.contents(FUNCTIONS["dashboard"], checkout)


@pytest.fixture(scope="session")
def libraries(tmp_path_factory):
    """Where links to installed distributions are made, for all functions."""
    return tmp_path_factory.mktemp("libraries")


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_zip_runs_by_itself_and_answers(function, tmp_path, libraries):
    source = isolated.unpacked(function, tmp_path)
    environment = isolated.environment(source, libraries)

    done = subprocess.run(
        [isolated.python(), "-c", "\n".join(statements(function))],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    with isolated.serving(function, source, environment) as address:
        answer = httpx.post(f"{address}/nothing/here", json={})
        pages = [httpx.get(f"{address}{path}") for path in public(function)]
        files = [httpx.get(f"{address}{path}") for path in served(function)]
    # The function answered, not its server: it rejects what is no event and unknown paths.
    assert answer.status_code in {400, 401, 404, 405}, answer.text
    if function.trigger.signature == "http":
        assert json.loads(answer.text)["type"].startswith("urn:tablegate:problem:")
    assert [page.status_code for page in [*pages, *files]] == [200] * len([*pages, *files])


def statements(function):
    """Every import that the function can execute, at its start or later."""
    for statement in imports.reached(FOLDER / function.name / "main.py", ROOT).libraries:
        # Kinds of fields import SQLAlchemy for their column types, which only a database needs.
        needs_database = "sqlalchemy" in statement or "postgresql" in statement
        if function.permissions.database != "none" or not needs_database:
            yield statement
    for name in package.contents(function):
        if name.startswith("shared/") and name.endswith(".py"):
            module = name.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
            yield f"import {module}"


def public(function):
    """The paths that need no token."""
    routes = PAGES.get(function.name, ())
    return [one.path for one in routes if one.scope == PUBLIC and "<" not in one.path]


def served(function):
    """The paths of the files that the function serves for its page."""
    base = {"dashboard": "/assets", "api_docs": "/docs"}.get(function.name)
    return [
        f"{base}/{PurePosixPath(name).name}"
        for name in package.contents(function)
        if "/page/" in name and name.endswith((".js", ".css", ".svg"))
    ]
