"""The command starts quickly, and says what is missing on a machine that cannot run it."""

import os
import shutil
import subprocess
import sys

import pytest

from infra.cli.errors import EXIT_CODES
from infra.cli.main import VERBS, cli
from tests.cli.conftest import call
from tests.support.checkout import ROOT

HEAVY = {
    "requests",
    "rich",
    "sqlalchemy",
    "marshmallow",
    "msgspec",
    "google.auth",
    "psutil",
    "numpy",
}


def modules_after(*words):
    code = (
        "import sys; from infra.cli.main import main; main(sys.argv[1:]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), (), ("--version",)])
def test_help_imports_nothing_heavy(words):
    assert modules_after(*words) & HEAVY == set()


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [(verb, of[1]) for verbs in VERBS.values() for verb, of in verbs.items()],
)
def test_the_list_of_verbs_says_what_they_do(verb, sentence):
    command = cli.get_command(None, verb)

    assert command.name == verb
    assert sentence.endswith(".")
    assert command.help


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["dorp"], "No such command 'dorp'"),
        (["drop"], "Missing argument 'FILES...'"),
        (["replay", "1", "--set", "name"], "--set takes FIELD=VALUE"),
        (["replay"], "Name ids"),
        (["rejects", "--csv"], "--csv needs --table"),
        (["loads", "--state", "gone"], "'gone' is not one of"),
    ],
)
def test_a_command_line_that_cannot_be_understood_has_its_own_code(words, why, tmp_path):
    done = call("--home", str(tmp_path), *words)

    assert (done.code, why in done.err) == (64, True), done.err
    assert 64 in EXIT_CODES


def test_without_a_platform_every_verb_says_how_to_start_one(tmp_path):
    for words in ("loads", "rows jobs", "freshness", "backup", "drop x.csv", "open"):
        done = call("--home", str(tmp_path / "home"), *words.split())
        assert done.code == 1
        assert f"`./tablegate --home {tmp_path / 'home'} up` starts it." in done.err


def launcher(folder, path):
    """Run a copy of the launcher that nothing is installed for."""
    shutil.copy(ROOT / "tablegate", folder)
    return subprocess.run(
        [str(folder / "tablegate"), "--help"],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tools(tmp_path):
    """A folder of the few programs that the launcher needs, and no Python."""
    found = tmp_path / "bin"
    found.mkdir()
    for name in ("sh", "dirname", "uname"):
        (found / name).symlink_to(shutil.which(name))
    return found


def fake_python(tools, code):
    file = tools / "python3"
    file.write_text(f"#!/bin/sh\n{code}\n")
    file.chmod(0o755)


def test_a_missing_python_is_explained(tmp_path, tools):
    done = launcher(tmp_path, tools)

    assert done.returncode == 1
    assert "needs Python 3.11 or newer, and there is no python3" in done.stderr


def test_an_old_python_is_explained(tmp_path, tools):
    fake_python(tools, 'if [ "$1" = -V ]; then echo Python 3.9.2; else exit 1; fi')
    (tools / "apt-get").symlink_to("/bin/true")

    done = launcher(tmp_path, tools)

    assert done.returncode == 1
    assert "python3 is Python 3.9.2" in done.stderr
    assert "sudo apt-get install python3 python3-venv" in done.stderr


def test_a_python_without_venv_is_explained(tmp_path, tools):
    fake_python(tools, 'case "$2" in *venv*) exit 1;; esac')
    (tools / "brew").symlink_to("/bin/true")

    done = launcher(tmp_path, tools)

    assert done.returncode == 1
    assert "has no venv" in done.stderr
    assert "brew install python" in done.stderr


def test_the_launcher_can_be_called_from_anywhere(tmp_path):
    (tmp_path / "link").symlink_to(ROOT / "tablegate")
    if not os.access(ROOT / ".venv" / ".installed-local", os.F_OK):
        pytest.skip("nothing is installed in .venv by make")
    done = subprocess.run(
        [str(ROOT / "tablegate"), "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith("tablegate"), done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs_options_and_choices(shell):
    for words, place, found in (
        ("tablegate re", 1, {"rejects", "replay", "restore", "reconcile", "reset"}),
        ("tablegate loads --st", 2, {"--state"}),
        ("tablegate metrics h", 2, {"hires_by_quarter"}),
    ):
        # fish passes the word itself, the others its place.
        at = words.rpartition(" ")[2] if shell == "fish" else str(place)
        variables = {"_TABLEGATE_COMPLETE": f"{shell}_complete", "COMP_WORDS": words}
        done = call(**variables, COMP_CWORD=at)

        assert found <= set(done.out.replace(",", "\n").replace("\t", "\n").splitlines()), done.out
        assert f"_TABLEGATE_COMPLETE={shell}_complete" in call("completion", shell).out
