"""Installs pinned packages with uv.

    python -m infra.install uv            # make .venv, with uv in it
    python -m infra.install FOLDER LOCK   # install a lock file into an environment, made if missing

Runs before anything is installed, so it uses only the standard library.
"""

import argparse
import ast
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from infra.progress import Progress

UV_HOME = Path(".venv")
_UV_LOCK = Path(__file__).parent / "local" / "requirements-uv.txt"
_SHOW_SECONDS = 0.1
_NAMED_DOWNLOADS = 3
_YES = {"1", "on", "t", "true", "y", "yes"}
_INDEX_VARIABLES = {
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
}

Command = Sequence[str | Path]


class Failed(Exception):
    """A command failed; its output says why."""


def main() -> int:
    """Install what the command line names, and return the exit status."""
    parser = argparse.ArgumentParser(description="Install pinned packages.")
    parser.add_argument(
        "folder", type=Path, help="folder of the environment; `uv` makes .venv with uv"
    )
    parser.add_argument("lock", type=Path, nargs="?", help="lock file to install")
    parser.add_argument("--exact", action="store_true", help="remove all other packages")
    options = parser.parse_args()
    try:
        if options.lock is None:
            install_uv()
        else:
            install(options.folder, options.lock, exact=options.exact)
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def install_uv() -> None:
    """Create `.venv` with pip and uv in it, replacing an old one.

    Raises:
        Failed: pip could not install uv.
    """
    pip = (UV_HOME / "bin" / "pip", "install", "--disable-pip-version-check")
    run(
        f"Making {UV_HOME}",
        (sys.executable, "-m", "venv", "--clear", UV_HOME),
        (*pip, "--require-hashes", "--no-deps", "--requirement", _UV_LOCK),
        environment=os.environ,
    )


def install(folder: Path, lock: Path, *, exact: bool = False) -> None:
    """Install a lock file into an environment; `exact` removes all other packages.

    Raises:
        Failed: uv could not install it.
    """
    uv, python, pip = UV_HOME / "bin" / "uv", folder / "bin" / "python", pip_settings()
    make = (uv, "venv", "--clear", "--python", UV_HOME / "bin" / "python", folder)
    options = (
        *("--require-hashes", "--no-deps", "--requirement", lock),
        # Without bytecode, each process compiles what it imports, every time if it cannot write it.
        "--compile-bytecode",
        *(("--exact",) if exact else ()),
        *(("--no-index",) if forbids_index(pip) else ()),
    )
    run(
        f"Installing packages in {folder}",
        *(() if python.exists() else (make,)),
        (uv, "pip", "install", "--python", python, *options),
        environment=uv_environment(pip, os.environ),
    )


def run(task: str, *commands: Command, environment: Mapping[str, str]) -> None:
    """Run commands one after another and show their progress as one task.

    Raises:
        Failed: a command failed; the later ones do not run.
    """
    progress, output = Progress(task), list[str]()
    for command in commands:
        if _status(command, environment, output, lambda: progress.show(*details(output))):
            progress.end("failed")
            raise Failed("".join(output))
    progress.end()


def _status(
    command: Command, environment: Mapping[str, str], output: list[str], show: Callable[[], None]
) -> int:
    """Run a command, append the lines that it prints to `output`, and return its exit status."""
    with subprocess.Popen(  # noqa: S603 - venv, pip or uv  # nosec B603
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        reader = threading.Thread(target=_append_lines, args=(process.stdout, output))
        reader.start()
        while reader.is_alive():
            reader.join(_SHOW_SECONDS)
            show()
        return process.wait()


def _append_lines(stream: TextIO, output: list[str]) -> None:
    # Not `extend`: the progress needs each line as soon as it is printed.
    for line in stream:
        output.append(line)


def details(output: Sequence[str]) -> list[str]:
    """Summarize uv's output so far: how many packages it found, and what it does with them."""
    text = "".join(output)
    found = re.search(r"Resolved (\d+ packages?)", text)
    done = set(re.findall(r"Downloaded (\S+)", text))
    started = re.findall(r"Downloading ((\S+) \(.+?\))", text)
    left = [words for words, name in started if name not in done]
    said = [found[1]] if found else []
    if left:
        more = f" and {len(left) - _NAMED_DOWNLOADS} more" if len(left) > _NAMED_DOWNLOADS else ""
        said.append(f"downloading {', '.join(left[:_NAMED_DOWNLOADS])}{more}")
    elif "Installed " in text:
        said.append("compiling")
    return said


def pip_settings() -> dict[str, str]:
    """Read the settings by name that pip uses for `pip install`."""
    command = (UV_HOME / "bin" / "pip", "config", "list")
    listed = subprocess.run(  # noqa: S603 - pip  # nosec B603
        command, capture_output=True, text=True, check=False
    )
    return settings_of(listed.stdout)


def forbids_index(pip: Mapping[str, str]) -> bool:
    """Whether pip's settings forbid an index, so that only folders of wheels are searched."""
    return pip.get("no-index", "").lower() in _YES


def settings_of(listed: str) -> dict[str, str]:
    """Parse pip's settings for `pip install`, by name, from its files and variables.

    Args:
        listed: what `pip config list` prints, lines of `section.name='value'`.
    """
    found: dict[str, str] = {}
    # A later section overrides an earlier one.
    for section in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section):
                found[name.removeprefix(section)] = str(ast.literal_eval(value))
    return found


def uv_environment(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Build the environment in which uv finds packages wherever pip does.

    uv ignores pip's settings. Variables of uv that the caller has set override pip's settings.

    Args:
        pip: pip's settings by name.
        environ: the caller's environment.
    """
    found = {
        # Use the Python that we have, never one that uv downloads.
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_HTTP_TIMEOUT": pip.get("timeout") or pip.get("default-timeout"),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "ALL_PROXY": pip.get("proxy"),
        "SSL_CERT_FILE": pip.get("cert"),
        "SSL_CLIENT_CERT": pip.get("client-cert"),
        # Use the machine's certificates, like newer pip: a company's proxy may need them.
        "UV_SYSTEM_CERTS": "true" if _has_certificates() else None,
    }
    if not _INDEX_VARIABLES & set(environ):
        found |= _indexes(pip)
    own = {name: value for name, value in environ.items() if name.startswith("UV_")}
    return {**environ, **{name: value for name, value in found.items() if value}, **own}


def _indexes(pip: Mapping[str, str]) -> dict[str, str | None]:
    # uv fails if a folder does not exist; pip ignores it.
    links = [one for one in pip.get("find-links", "").split() if "://" in one or Path(one).exists()]
    return {
        "UV_DEFAULT_INDEX": pip.get("index-url"),
        "UV_INDEX": " ".join(pip.get("extra-index-url", "").split()),
        # Like pip, take a version from any index that has it. Hashes make that safe.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": ",".join(links),
    }


def _has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())))


if __name__ == "__main__":
    sys.exit(main())
