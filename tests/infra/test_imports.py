"""The modules that a function can import, directly or through other modules, and no others."""

import pytest

from infra import imports
from infra.functions import InvalidFunction

WIRING = """
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared import typed

def engine():
    from shared import engine
    return engine.create()

@cache
def uploads():
    from shared.loading import uploads
    return uploads

@app.get("/")
def registered():
    import shared.registered

def _unused():
    from shared import unused
"""


@pytest.fixture
def reach(tmp_path):
    """Writes a small `shared`; returns the modules of it that a main.py reaches."""
    modules = ("typed", "engine", "registered", "unused", "loading/uploads", "loading/other")

    def reach(main, loading=""):
        texts = {f"shared/{name}.py": "" for name in ("__init__", *modules)}
        texts["shared/wiring.py"] = WIRING
        texts["shared/loading/__init__.py"] = loading
        texts["functions/toy/main.py"] = main
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        found = imports.reached(tmp_path / "functions/toy/main.py", tmp_path)
        names = {path.relative_to(tmp_path).with_suffix("").as_posix() for path in found.files}
        return {name.removeprefix("shared/") for name in names} - {"__init__", "loading/__init__"}

    return reach


def test_an_import_at_the_top_counts(reach):
    assert reach("from shared import engine") == {"engine"}
    assert reach("import shared.engine") == {"engine"}
    assert reach("from shared.engine import create") == {"engine"}


def test_the_packages_of_a_module_count_too(reach):
    reached = reach("from shared.loading import other", loading="import shared.engine")

    assert reached == {"engine", "loading/other"}


def test_an_import_in_a_function_counts_if_reached_code_names_the_function(reach):
    always = {"wiring", "registered"}

    assert reach("from shared import wiring\nwiring.engine()") == always | {"engine"}
    assert reach("from shared import wiring as w\nw.engine") == always | {"engine"}
    assert reach("from shared.wiring import engine\nengine()") == always | {"engine"}
    assert reach("from shared.wiring import uploads\nuploads()") == always | {"loading/uploads"}
    assert reach("from shared.wiring import engine") == always
    assert reach("from shared import wiring\nengine()") == always


def test_an_import_in_a_method_counts_if_reached_code_names_the_class(reach):
    classes = "class Loader:\n    def load(self):\n        from shared import engine"
    main = "from shared.loading import Loader\n"

    assert reach(main, classes) == set()
    assert reach(main + "Loader().load()", classes) == {"engine"}
    assert reach(main + "class Mine(Loader): ...", classes) == {"engine"}


def test_every_function_of_a_module_that_is_passed_on_counts(reach):
    reached = reach("from shared import wiring\nprint(vars(wiring))")

    assert reached == {"wiring", "registered", "engine", "loading/uploads", "unused"}


def test_every_function_of_main_counts(reach):
    assert reach("def toy():\n    from shared import engine") == {"engine"}


def test_a_package_that_iterates_over_itself_brings_all_of_its_modules(reach):
    package = "def find():\n    return list(pkgutil.iter_modules(__path__))"

    assert reach("from shared import loading", loading=package) == set()
    assert reach("from shared import loading\nloading.find()", loading=package) == {
        "loading/uploads",
        "loading/other",
    }


def test_a_lazy_library_counts_if_reached_code_uses_it(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "lazy.py").write_text("numpy = grpc = requests = None")
    main = "from shared.lazy import grpc, requests\nfrom shared.lazy import numpy as np\n"
    main += "def toy(given: requests.Session) -> requests.Session:\n    np.array([])\n"
    (tmp_path / "main.py").write_text(main)

    found = imports.reached(tmp_path / "main.py", tmp_path)

    assert found.libraries == {"from shared.lazy import numpy; numpy.__name__"}


def test_a_module_next_to_main_counts(reach, tmp_path):
    (tmp_path / "functions/toy").mkdir(parents=True)
    (tmp_path / "functions/toy/words.py").write_text("from shared import engine")

    assert reach("import words") == {"functions/toy/words", "engine"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nfrom . import engine", r"main\.py:2: write the import with the whole name"),
        ("from shared.nothing import x", r"main\.py:1: there is no module shared\.nothing"),
        ("import shared.nothing", r"main\.py:1: there is no module shared\.nothing"),
        ("list(iter_modules(other))", r"main\.py:1: only iter_modules\(__path__\)"),
    ],
)
def test_an_import_that_cannot_be_followed_is_reported(reach, text, message):
    with pytest.raises(InvalidFunction, match=message):
        reach(text)
