"""A function as Cloud Build sees it: its unpacked zip and only the distributions it requires."""

import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, distributions
from importlib.util import cache_from_source
from pathlib import Path

import httpx

from infra import package, requirements
from infra.functions import ROOT, Function
from infra.local import ports


def unpacked(function: Function, folder: Path, root: Path = ROOT) -> Path:
    """Build the zip of a function and unpack it; returns the folder."""
    with zipfile.ZipFile(package.write(function, folder, root)) as archive:
        archive.extractall(folder / "source")
    return folder / "source"


def environment(source: Path, folder: Path) -> dict[str, str]:
    """Variables with which Python finds only the distributions in the requirements.

    Args:
        source: the unpacked zip.
        folder: where links to each distribution are made, unless they are there.
    """
    wanted = requirements.read(source / "requirements.txt")
    installed = {_normal(one.metadata["Name"]): one for one in distributions()}
    folders = []
    for name, pinned in wanted.items():
        if name not in installed:
            # It is for another platform.
            assert " ; " in pinned.text, name
            continue
        assert f"=={installed[name].version} " in pinned.text, name
        folders.append(folder / name)
        if not folders[-1].exists():
            _link(installed[name], folders[-1])
    path = os.pathsep.join(map(str, folders))
    return {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1", "PATH": os.environ["PATH"]}


def _link(distribution: Distribution, folder: Path) -> None:
    for file in distribution.files or ():
        link = folder / file
        if ".." not in file.parts:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(distribution.locate_file(file))
            _link_bytecode(link)


def _link_bytecode(link: Path) -> None:
    """Link what the installer compiled, too; without it each process compiles every library."""
    if link.suffix == ".py":
        compiled = Path(cache_from_source(str(link.readlink())))
        if compiled.exists():
            copy = link.parent / compiled.parent.name / compiled.name
            copy.parent.mkdir(exist_ok=True)
            if not copy.exists():
                copy.symlink_to(compiled)


def python() -> str:
    """A Python without our virtual environment."""
    return os.path.realpath(sys.executable)


@contextmanager
def serving(function: Function, source: Path, environment: dict[str, str]) -> Iterator[str]:
    """Serve the unpacked function; gives its address."""
    port = ports.choose([function.name], {}, {})[function.name]
    words = ["-m", "functions_framework", "--target", function.name, "--port", str(port)]
    words += ["--signature-type", function.trigger.signature, "--host", "127.0.0.1"]
    with subprocess.Popen(
        [python(), *words], cwd=source, env=environment, stderr=subprocess.PIPE
    ) as process:
        try:
            for _ in range(200):
                assert process.poll() is None, process.stderr.read().decode()
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
