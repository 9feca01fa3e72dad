"""The files that are a company's own: its tables, its metrics, and the metrics' functions.

The tests are written for the sample of `tests/models/hiring`. A checkout with other tables runs
them in a copy of itself that holds the sample (see `tests/run.py`).
"""

import filecmp
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import metrics, tables
from tests.support.checkout import ROOT

HIRING = ROOT / "tests" / "models" / "hiring"
"""The sample."""

FREE = "tests/warehouse/test_every_table.py"
"""The tests that run with any tables."""

# What each machine makes for itself, and what is large.
_MADE = ("__pycache__", ".*_cache", ".hypothesis", ".git", ".local", ".venv*", "build")
_PLACES = {"tables": Path("shared", "tables"), "metrics": Path("shared", "metrics")}


def pytest_configure(config: pytest.Config) -> None:
    """Refuse tests of the sample where other tables are.

    Raises:
        pytest.UsageError: there are other tables, and not only the tests for any tables are to run.
    """
    chosen = {argument.partition("::")[0] for argument in config.args}
    if chosen != {FREE} and not hasattr(config, "workerinput") and not has_sample():
        raise pytest.UsageError(
            f"These tests need the tables of {HIRING.relative_to(ROOT)}, and shared/tables or "
            "shared/metrics differ from them. Run 'make test', which makes a copy with those "
            f"tables, or the tests for any tables: {FREE}."
        )


def has_sample() -> bool:
    """Whether the tables and metrics of this checkout are those of the sample.

    Raises:
        ConfigurationError: the file of a table or of a metric contradicts itself or another.
    """
    sample = _files_of(HIRING)
    return sample.keys() == set(_own()) and all(
        filecmp.cmp(source, ROOT / path, shallow=False) for path, source in sample.items()
    )


def copy(root: Path, company: Path, *names: str) -> Path:
    """Copy this checkout, with a company's tables, metrics and functions instead of its own.

    Args:
        root: where the copy is made.
        company: a folder with what the company has in `tables`, `metrics` and `functions`.
        names: the files and folders to copy; without them, all, and the virtual environments are
            linked.
    """
    ignored = shutil.ignore_patterns(*_MADE)
    root.mkdir(parents=True, exist_ok=True)
    for source in sorted(ROOT.iterdir()):
        target = root / source.name
        if names and source.name not in names:
            continue
        if source.name.startswith(".venv"):
            target.symlink_to(source.resolve())
        elif source.is_dir() and not ignored("", [source.name]):
            shutil.copytree(source, target, ignore=ignored)
        elif source.is_file():
            shutil.copy2(source, target)
    for path in _own():
        (root / path).unlink()
    for name in metrics.all_metrics():
        (root / "functions" / name).rmdir()
    for path, source in _files_of(company).items():
        (root / path).parent.mkdir(exist_ok=True)
        shutil.copy2(source, root / path)
    return root


def _own() -> Iterator[Path]:
    """The company's files in this checkout, from its root."""
    for table in tables.all_tables().values():
        yield Path(inspect.getfile(table.schema)).relative_to(ROOT)
    for name, metric in metrics.all_metrics().items():
        for path in (*metric.folder.glob(f"{name}.*"), *(ROOT / "functions" / name).glob("*.*")):
            yield path.relative_to(ROOT)


def _files_of(company: Path) -> dict[Path, Path]:
    """The files of a company, by where they belong in a checkout."""
    found = {path.relative_to(company): path for path in company.glob("*/**/*.*")}
    return {
        _PLACES.get(place, Path(place)).joinpath(*rest): path
        for (place, *rest), path in ((name.parts, path) for name, path in found.items())
        if place in ("tables", "metrics", "functions") and "__pycache__" not in rest
    }
