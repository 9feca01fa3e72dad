"""A stranger's platform: demo, what it leaves behind, and how it ends."""

import re
import socket
import subprocess

import httpx
import pytest

from infra.local import features, starting
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.status import PartStatus, PlatformStatus, running_status
from tests.cli.conftest import PROGRAM, call, environment, typed
from tests.support.checkout import ROOT
from tests.support.platform import claim_ports, new_home, skip_without_bigquery


@pytest.fixture(scope="module")
def demo():
    """A home on which the demo ran without anything that only Linux has, and what it printed."""
    skip_without_bigquery()
    with new_home() as home:
        claim_ports(home)
        # Its output goes to a pipe, which ends when the command does: nobody else holds it.
        done = subprocess.run(
            [*PROGRAM, "--home", str(home.path), "demo"],
            cwd=ROOT,
            env=environment(**{features.WITHOUT: ",".join(features.NAMES)}),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield home, done.stdout


def test_it_shows_loads_rejects_and_metrics(demo):
    _, printed = demo

    assert re.search(r"hired_employees.csv +done +2000 +1930 ", printed)
    assert "one of them: hired_employees, line 11\n" in printed
    assert "departments_above_mean 2021, mean 78.08: 5 rows\n" in printed


def test_it_ends_with_a_link_that_signs_in_once_and_three_steps(demo):
    home, printed = demo
    link = re.search(r"^  (http\S+)/dashboard#sign-in=(\S+)$", printed, re.M)
    url, code = link[1], link[2]
    token = home.token_file.read_text().strip()

    assert httpx.post(f"{url}/sign-in", content=code).json() == {"token": token}
    again = httpx.post(f"{url}/sign-in", content=code)
    assert again.status_code == 401
    assert "./tablegate open" in again.json()["detail"]
    for wrong in (b"", b"\xff", b"../../token", b"x" * 10_000):
        assert httpx.post(f"{url}/sign-in", content=wrong).status_code == 401
    assert printed.count(f"./tablegate --home {home.path} ") == 5


def test_its_sample_file_has_rows_of_both_kinds(demo):
    home, _ = demo
    done = call("--home", str(home.path), "drop", str(home.path / "sample"), "--wait", "--json")

    assert done.code == 2, done.err
    (file,) = done.json["files"]
    assert (file["counts"]["read"], file["counts"]["rejected"]) == (6, 2)


def test_it_keeps_running_and_is_used_by_the_next_one(demo):
    home, _ = demo
    before = running_status(home).pid

    again = call("--home", str(home.path), "up", "--json")

    assert again.code == 0, again.err
    assert again.json["ready"]
    assert running_status(home).pid == before
    typed_again = typed("--home", str(home.path), "demo")
    assert typed_again.code == 0, typed_again.out
    assert "departments_above_mean 2021" in typed_again.out
    assert running_status(home).pid == before


def test_a_port_in_use_is_named_with_its_process(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = call("--home", str(tmp_path / "home"), "up", "--port", str(port))

    assert done.code == 1
    assert re.search(
        rf"Port {port} is in use by python\S* \(process \d+\); choose another", done.err
    )
    assert not (tmp_path / "home").exists()


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(starting, "free_bytes", lambda path: 1 << 20)

    with pytest.raises(PlatformError, match=r"Only 1 MB are free .* use --home elsewhere"):
        starting.check(Home.at(tmp_path / "home"), None)


def test_a_part_that_does_not_start_is_named(tmp_path, monkeypatch):
    part = PartStatus("postgres", "x", "restarting", "exit status 1", restarts=3)
    monkeypatch.setattr(starting, "running_status", lambda home: PlatformStatus(1, 0, [part]))
    home = Home.at(tmp_path / "home")
    home.prepare()

    with pytest.raises(PlatformError, match=r"postgres does not start: exit status 1\. Its log"):
        starting.start(home, None)


def test_something_else_in_the_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")

    done = call("--home", str(tmp_path), "up")

    assert done.code == 1
    assert "contains something else; choose an empty folder" in done.err


def test_at_the_end_it_is_stopped_and_deleted(demo):
    home, _ = demo
    folder = ("--home", str(home.path))

    assert typed(*folder, "down").out == "Stopped.\n"
    assert call(*folder, "down").out == "Not running.\n"
    status = call(*folder, "status")
    assert status.code == 1
    assert f"`./tablegate --home {home.path} up` starts it." in status.out
    assert call(*folder, "doctor").code == 0
    assert typed(*folder, "reset", answers=["n"]).code == 130
    assert home.is_home()
    assert typed(*folder, "reset", answers=["y"]).code == 0
    assert not home.path.exists()
