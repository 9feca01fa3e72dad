"""Installing: pip's settings apply to uv too, and the user sees the progress."""

import base64
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile

import pytest

from infra import install, requirements
from infra.functions import ROOT
from infra.progress import Progress


@pytest.fixture
def checkout(tmp_path):
    """A folder with the uv of this checkout, and an empty folder of wheels."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "wheels").mkdir()
    return tmp_path


def put_wheel(checkout, name):
    """Make the wheel of a package with one empty module; returns its line of a lock file."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in files.items())
    path = checkout / "wheels" / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(inside, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def run(checkout, *words, **settings):
    """Run the command with a Python without packages, and with pip set to use only the wheels."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    environment = {
        **variables,
        "PYTHONPATH": str(ROOT),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": f"{checkout}/wheels {checkout}/missing",
        "UV_CACHE_DIR": str(checkout / "cache"),
        **settings,
    }
    command = [os.path.realpath(sys.executable), "-m", "infra.install", *words]
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def modules(checkout):
    return {path.stem for path in checkout.glob("new/lib/python*/site-packages/toy_*.py")}


def test_a_lock_file_is_installed_from_pips_sources(checkout):
    (checkout / "lock.txt").write_text(put_wheel(checkout, "toy_one"))

    done = run(checkout, "new", "lock.txt")

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"Installing packages in new \.\.\.\n  done in \d+\.\d s\n", done.stdout)
    assert modules(checkout) == {"toy_one"}


@pytest.mark.parametrize(
    ("options", "left"), [((), {"toy_one", "toy_two"}), (("--exact",), {"toy_two"})]
)
def test_other_packages_stay_unless_exact_is_set(checkout, options, left):
    (checkout / "one.txt").write_text(put_wheel(checkout, "toy_one"))
    (checkout / "two.txt").write_text(put_wheel(checkout, "toy_two"))

    for words in (("one.txt",), ("two.txt", *options)):
        done = run(checkout, "new", *words)
        assert done.returncode == 0, done.stderr

    assert modules(checkout) == left


def test_a_package_with_another_hash_is_rejected_with_uvs_message(checkout):
    put_wheel(checkout, "toy_one")
    (checkout / "lock.txt").write_text(f"toy_one==1.0 --hash=sha256:{'0' * 64}\n")

    done = run(checkout, "new", "lock.txt")

    assert done.returncode == 1
    assert re.search(r"\n  failed in \d+\.\d s\n$", done.stdout)
    assert "Hash mismatch" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_of_pip_are_read_from_its_files_and_its_variables():
    listed = (
        ":env:.index-url='https://variable/simple'\n"
        "global.index-url='https://file/simple'\n"
        "global.extra-index-url='\\nhttps://a/simple\\nhttps://b/simple'\n"
        "install.timeout='7'\n"
        "download.timeout='8'\n"
    )

    assert install.settings_of(listed) == {
        "index-url": "https://variable/simple",
        "extra-index-url": "\nhttps://a/simple\nhttps://b/simple",
        "timeout": "7",
    }


def test_each_setting_of_pip_becomes_a_variable_of_uv(tmp_path):
    settings = {
        "index-url": "https://index/simple",
        "extra-index-url": "\nhttps://a/simple\nhttps://b/simple",
        "find-links": f"{tmp_path} {tmp_path}/missing https://links/",
        "trusted-host": "a b",
        "cert": "/ca.pem",
        "default-timeout": "180",
        "proxy": "http://proxy:1",
    }

    found = install.uv_environment(settings, {"HOME": "/home/ann", "SSL_CERT_FILE": "/other.pem"})

    found.pop("UV_SYSTEM_CERTS", None)
    assert found == {
        "HOME": "/home/ann",
        "UV_DEFAULT_INDEX": "https://index/simple",
        "UV_INDEX": "https://a/simple https://b/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://links/",
        "UV_INSECURE_HOST": "a b",
        "UV_HTTP_TIMEOUT": "180",
        "UV_PYTHON_DOWNLOADS": "never",
        "SSL_CERT_FILE": "/ca.pem",
        "ALL_PROXY": "http://proxy:1",
    }


def test_variables_of_uv_take_precedence_over_settings_of_pip():
    own = {"UV_INDEX_URL": "https://own/simple", "UV_HTTP_TIMEOUT": "5"}

    found = install.uv_environment({"index-url": "https://pip/simple", "timeout": "9"}, own)

    assert found.items() >= own.items()
    assert not {"UV_DEFAULT_INDEX", "UV_INDEX"} & found.keys()


def test_the_progress_of_uv_is_read_from_its_output():
    lines = ["Resolved 9 packages in 1ms\n"]
    lines += [f"Downloading {name} (2.0MiB)\n" for name in ("a", "b", "c", "d", "e")]

    assert install.details([]) == []
    assert install.details(lines) == [
        "9 packages",
        "downloading a (2.0MiB), b (2.0MiB), c (2.0MiB) and 2 more",
    ]
    lines += [" Downloaded b\n", " Downloaded a\n", " Downloaded d\n", " Downloaded e\n"]
    assert install.details(lines) == ["9 packages", "downloading c (2.0MiB)"]
    lines += [" Downloaded c\n", "Prepared 9 packages in 1s\n", "Installed 9 packages in 1s\n"]
    assert install.details(lines) == ["9 packages", "compiling"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(out):
    """What Progress writes for a task that takes 11 s."""
    now = 0.0
    progress = Progress("Installing", out, lambda: now)
    for now in (0.05, 0.2, 4.0, 5.1, 5.15, 11.0):  # noqa: B007 - the clock reads it
        progress.show("9 packages")
    progress.end()
    return out.getvalue()


def test_progress_on_a_terminal_is_one_line_that_fits_its_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "26")

    assert shown(Terminal()) == (
        "\rInstalling: 0 s, 9 packag\x1b[K"
        "\rInstalling: 4 s, 9 packag\x1b[K"
        "\rInstalling: 5 s, 9 packag\x1b[K"
        "\rInstalling: 11 s, 9 packa\x1b[K"
        "\rInstalling: done in 11.0 \x1b[K\n"
    )


def test_progress_is_a_line_every_five_seconds_elsewhere():
    assert shown(io.StringIO()).splitlines() == [
        "Installing ...",
        "  5 s, 9 packages",
        "  11 s, 9 packages",
        "  done in 11.0 s",
    ]


def test_the_tests_run_with_the_versions_that_a_user_installs():
    users = requirements.read(ROOT / "infra" / "local" / "requirements.txt")
    ours = requirements.read(ROOT / "requirements-dev.txt")

    assert users
    for name, pinned in users.items():
        assert pinned.text.split()[0] == ours[name].text.split()[0]
