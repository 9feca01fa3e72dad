"""Without what only Linux has, the code of the platform works, and says what is less protected."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from infra.local import attributes, features, ports, processes, storage
from infra.local.features import WITHOUT
from tests.support.checkout import ROOT
from tests.support.platform import wait_until

WRITES = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('')"


def without(*names: str) -> dict[str, str]:
    """The environment of a process that does without some features."""
    return {**os.environ, WITHOUT: ",".join(names)}


def test_each_feature_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WITHOUT, ",".join(features.NAMES))

    assert features.landlock_version() == 0
    assert features.prctl() is None
    assert features.autogroup(os.getpid()) is None
    assert not features.has_loopback_network()
    assert features.os_function("setxattr") is None


def test_what_is_less_protected_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WITHOUT, "landlock")

    assert "write files outside its folder" in features.unprotected()


@pytest.mark.skipif(not features.landlock_version(), reason="this kernel has no Landlock")
def test_with_landlock_a_program_writes_to_its_folders_only(tmp_path: Path) -> None:
    assert fenced(tmp_path, tmp_path / "inside" / "file").returncode == 0
    assert fenced(tmp_path, tmp_path / "outside").returncode != 0
    assert not (tmp_path / "outside").exists()


def test_without_landlock_a_program_runs_unconfined_and_its_log_says_so(tmp_path: Path) -> None:
    done = fenced(tmp_path, tmp_path / "outside", "landlock")

    assert done.returncode == 0
    assert (tmp_path / "outside").exists()
    assert done.stdout == "there is no Landlock here: the program can write outside its folders\n"


def fenced(folder: Path, file: Path, *off: str) -> subprocess.CompletedProcess[str]:
    """Write a file from a program that is confined to the folder `inside`."""
    inside = folder / "inside"
    inside.mkdir(exist_ok=True)
    command = [
        *(sys.executable, "-m", "infra.local.fence", "--write", str(inside), "--"),
        *(sys.executable, "-c", WRITES, str(file)),
    ]
    return subprocess.run(
        command, cwd=ROOT, env=without(*off), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("off", ["", "xattr"])
def test_attributes_are_written_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    file = tmp_path / "ä b"
    file.touch()
    monkeypatch.setenv(WITHOUT, off)

    attributes.write(file, "user.metadata", b"{}")
    attributes.write(file, "user.other", b"")

    # macOS adds names of its own.
    written = {"user.metadata", "user.other"}
    assert written <= set(attributes.names(file))
    monkeypatch.delenv(WITHOUT)
    assert written <= set(attributes.names(file))


@pytest.mark.parametrize("off", ["", "xattr"])
def test_an_attribute_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    monkeypatch.setenv(WITHOUT, off)

    with pytest.raises(FileNotFoundError):
        attributes.write(tmp_path / "none", "user.metadata", b"{}")
    with pytest.raises(FileNotFoundError):
        attributes.names(tmp_path / "none")


@pytest.mark.parametrize("off", ["", "xattr"])
def test_half_written_objects_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    monkeypatch.setenv(WITHOUT, off)
    for name in ("whole", "half"):
        (tmp_path / name).touch()
    attributes.write(tmp_path / "whole", "user.metadata", b"{}")

    assert list(storage._half_written(tmp_path)) == [tmp_path / "half"]


def test_without_autogroups_a_part_is_nice(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as process:
        session = features.autogroup(process.pid)
        before = session.read_text() if session else ""
        monkeypatch.setenv(WITHOUT, "autogroup")

        processes.lower_priority(process.pid, 3)

        niceness = os.getpriority(os.PRIO_PROCESS, process.pid)
        assert niceness == min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
        assert session is None or session.read_text() == before
        process.kill()


@pytest.mark.parametrize("off", [(), ("prctl",), ("loopback",), ("prctl", "loopback")], ids=str)
@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_the_storage_server_is_hidden_behind_its_proxy_and_ends_with_it(
    off: tuple[str, ...], end: str
) -> None:
    port = ports.choose(["storage"], {}, {})["storage"]
    proxy = subprocess.Popen(
        [
            *(sys.executable, "-m", "infra.local.storage_proxy", "--port", str(port)),
            *("--", str(storage._binary()), "-backend", "memory"),
        ],
        cwd=ROOT,
        env=without(*off),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "answered")
    started = psutil.Process(proxy.pid).children()
    (behind,) = {one.laddr for child in started for one in child.net_connections() if one.laddr}

    direct = [answers(f"{scheme}://{behind.ip}:{behind.port}") for scheme in ("http", "https")]
    upload = address_of_an_upload(f"http://127.0.0.1:{port}")
    getattr(proxy, end)()
    proxy.wait(20)

    assert upload.startswith(f"http://127.0.0.1:{port}/")
    if "loopback" in off or not features.has_loopback_network():
        assert behind.ip == "127.0.0.1" and behind.port != port
        assert direct == [False, False]
    else:
        assert behind.ip != "127.0.0.1" and behind.port == port
    assert len(started) == (2 if "prctl" in off or features.prctl() is None else 1)
    assert psutil.wait_procs(started, timeout=10)[1] == []


def answers(address: str) -> bool:
    """Whether Cloud Storage answers there a client that checks certificates, as a browser does."""
    try:
        return httpx.get(f"{address}/storage/v1/b?project=x").status_code == 200
    except httpx.TransportError:
        return False


def address_of_an_upload(storage_server: str) -> str:
    """Where Cloud Storage tells a client to send the parts of an upload."""
    made = httpx.post(f"{storage_server}/storage/v1/b?project=x", json={"name": "bucket"})
    upload = httpx.post(
        f"{storage_server}/upload/storage/v1/b/bucket/o?uploadType=resumable", json={"name": "file"}
    )
    assert (made.status_code, upload.status_code) == (200, 200)
    return upload.headers["Location"]


@pytest.mark.parametrize(("most", "expected"), [(4096, 1024), (512, 512), (64, 64)])
def test_the_platform_may_open_as_many_files_as_on_linux(most: int, expected: int) -> None:
    code = (
        "import resource; from infra.local import processes; processes.allow_open_files();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, most), most)),
    )

    assert done.stdout == f"({expected}, {most})\n"
