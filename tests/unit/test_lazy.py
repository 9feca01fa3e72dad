"""Lazy imports and objects, including concurrent first uses."""

import ast
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared import lazy
from shared.lazy import LazyModule, Once

THREADS = 8


def listed():
    """Each name in shared.lazy, and the module that type checkers see for it."""
    tree = ast.parse(Path(lazy.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    for node in block.body:
        for alias in node.names:
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield alias.asname or alias.name, f"{module}{alias.name}"


@pytest.mark.parametrize(("name", "module"), list(listed()))
def test_a_name_resolves_to_the_module_that_type_checkers_see(name, module):
    found = getattr(lazy, name)

    assert isinstance(found, LazyModule)
    assert vars(found)["_path"] == module
    assert found.__doc__ is not None or found.__file__


def test_every_lazy_module_is_exported():
    exported = {name for name, value in vars(lazy).items() if isinstance(value, LazyModule)}

    assert exported == {name for name, _ in listed()} == {*lazy.__all__} - {"Once"}


def test_a_module_is_imported_on_first_attribute_access():
    program = """
import sys
from shared.lazy import LazyModule
module = LazyModule("tabnanny")
print("tabnanny" in sys.modules, module.check.__name__, "tabnanny" in sys.modules)
print(vars(module)["check"] is module.check)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "check", "True", "True"]


def test_a_missing_attribute_raises_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = LazyModule("json").nothing_such


def test_concurrent_first_uses_import_one_module_at_a_time(tmp_path, monkeypatch):
    names = [f"slow_module_{number}" for number in range(THREADS)]
    log = tmp_path / "log"
    for name in names:
        (tmp_path / f"{name}.py").write_text(
            "import time\n"
            f"log = open({str(log)!r}, 'a')\n"
            "print('in', file=log, flush=True)\n"
            "time.sleep(0.01)\n"
            "print('out', file=log, flush=True)\n"
            "log.close()\n"
            "NAME = __name__\n"
        )
    monkeypatch.syspath_prepend(tmp_path)

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda name: LazyModule(name).NAME, names))

    assert found == names
    assert log.read_text().split() == ["in", "out"] * THREADS


def test_an_object_is_built_once_under_concurrent_first_use():
    builders = []

    @Once
    def thing():
        time.sleep(0.05)
        builders.append(threading.get_ident())
        return object()

    with ThreadPoolExecutor(THREADS) as pool:
        objects = list(pool.map(lambda _: thing(), range(THREADS)))

    assert len(builders) == 1
    assert len(set(map(id, objects))) == 1
    thing.forget()
    assert thing() is not objects[0]


def test_a_failed_build_is_retried_on_the_next_use():
    answers = iter([ZeroDivisionError, "made"])

    @Once
    def thing():
        answer = next(answers)
        if answer != "made":
            raise answer
        return answer

    with pytest.raises(ZeroDivisionError):
        thing()
    assert thing() == "made"
