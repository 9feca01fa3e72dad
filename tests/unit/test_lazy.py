"""What is put off until first use, when the first uses come together."""

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
    """Each name of shared.lazy and the module that type checkers take it for."""
    tree = ast.parse(Path(lazy.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    for node in block.body:
        for alias in node.names:
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield alias.asname or alias.name, f"{module}{alias.name}"


@pytest.mark.parametrize(("name", "module"), list(listed()))
def test_a_name_stands_for_the_module_that_type_checkers_see(name, module):
    found = getattr(lazy, name)

    assert isinstance(found, LazyModule)
    assert vars(found)["_path"] == module
    assert found.__doc__ is not None or found.__file__


def test_every_lazy_module_is_offered():
    offered = {name for name, value in vars(lazy).items() if isinstance(value, LazyModule)}

    assert offered == {name for name, _ in listed()} == {*lazy.__all__} - {"Once"}


def test_a_module_is_imported_when_one_of_its_attributes_is_first_read():
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


def test_a_name_that_the_module_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = LazyModule("json").nothing_such


def test_threads_that_use_modules_at_once_import_them_one_after_the_other(tmp_path, monkeypatch):
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


def test_an_object_is_made_once_however_many_ask_at_once():
    made = []

    @Once
    def thing():
        time.sleep(0.05)
        made.append(threading.get_ident())
        return object()

    with ThreadPoolExecutor(THREADS) as pool:
        given = list(pool.map(lambda _: thing(), range(THREADS)))

    assert len(made) == 1
    assert len(set(map(id, given))) == 1
    thing.forget()
    assert thing() is not given[0]


def test_what_could_not_be_made_is_tried_again():
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
