"""Starting, stopping, and recovering after the supervisor was killed."""

import shutil
import signal
from pathlib import Path

import pytest

from infra import functions
from infra.local import features, ports, processes
from infra.local.home import Home
from infra.local.layout import Layout
from infra.local.status import read_status
from tests.platform.contents import Contents
from tests.support.checkout import ROOT
from tests.support.platform import (
    START_SECONDS,
    Platform,
    call,
    launch,
    new_home,
    running,
    start,
    wait_until,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def few_functions(tmp_path: Path) -> tuple[str, str]:
    """The option that starts two functions only, because these tests do not need the others."""
    for name in ("ingest_csv", "insert_rows"):
        shutil.copytree(ROOT / "functions" / name, tmp_path / "few" / name)
    return "--functions", str(tmp_path / "few")


def test_stop_leaves_no_process_and_a_later_start_has_the_data_and_addresses() -> None:
    with new_home() as home:
        first = start(home)
        contents = Contents.put_into(first, "all")
        addresses = first.description

        printed = first.stop()

        assert first.process.returncode == 0
        assert printed.rstrip().endswith("Stopped.")
        assert processes.of_home(home) == []
        assert not home.description.exists()

        second = start(home)

        assert second.description == addresses
        assert contents.are_in(second)

        second.process.send_signal(signal.SIGINT)
        printed, _ = second.process.communicate(timeout=120)

        assert second.process.returncode == 0
        assert printed.rstrip().endswith("Stopped.")
        assert processes.of_home(home) == []


def test_the_platform_works_without_what_only_linux_has(
    few_functions: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(features.WITHOUT, ",".join(features.NAMES))
    with new_home() as home:
        platform = start(home, *few_functions)
        contents = Contents.put_into(platform, "all")
        platform.kill("storage")

        assert contents.are_in(platform)
        printed = platform.stop()
        assert "This machine has no Landlock" in printed
        assert processes.of_home(home) == []


def test_the_next_up_ends_the_processes_of_a_killed_supervisor(
    few_functions: tuple[str, str],
) -> None:
    with new_home() as home:
        killed = start(home, *few_functions)
        contents = Contents.put_into(killed, "all")
        killed.process.kill()
        killed.process.communicate()
        orphans = {process.pid for process in processes.of_home(home)}
        assert orphans

        next_one = start(home, *few_functions)

        assert not orphans & {process.pid for process in processes.of_home(home)}
        assert contents.are_in(next_one)
        next_one.stop()
        assert processes.of_home(home) == []


def test_down_stops_a_platform_or_the_rest_of_a_killed_one_and_reset_deletes_it(
    few_functions: tuple[str, str],
) -> None:
    with new_home() as home:
        platform = start(home, *few_functions)

        assert call("down", "--home", str(home.path)) == (0, "Stopped.\n")
        platform.process.communicate()
        assert processes.of_home(home) == []

        killed = start(home, *few_functions)
        killed.process.kill()
        killed.process.communicate()

        status, printed = call("down", "--home", str(home.path))

        assert status == 0
        assert "that a killed platform left" in printed
        assert processes.of_home(home) == []
        assert call("down", "--home", str(home.path)) == (0, "Not running.\n")

        status, _ = call("reset", "--home", str(home.path))

        assert status == 0
        assert not home.path.exists()


def test_two_homes_run_side_by_side_one_on_a_given_port(
    platform: Platform, free_port: int, few_functions: tuple[str, str]
) -> None:
    with running("--port", str(free_port), *few_functions) as other:
        ports = set(Layout.read(platform.home).ports.values())
        other_ports = set(Layout.read(other.home).ports.values())
        contents = Contents.put_into(other, "all")

        assert other.gateway == f"http://127.0.0.1:{free_port}"
        assert not ports & other_ports
        assert platform.token != other.token
        assert platform.is_healthy()
        assert other.is_healthy()
        assert contents.are_in(other)

    assert platform.is_healthy()


def test_a_function_that_cannot_start_is_reported_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "functions" / "insert_rows"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("import no_such_module\n")
    shutil.copy(functions.FOLDER / "insert_rows" / "function.json", folder)
    with new_home() as home:
        process = launch("up", "--home", str(home.path), "--functions", str(folder.parent))
        wait_until(lambda: _reports(home, "no_such_module"), "the error is reported", START_SECONDS)

        status, table = call("status", "--home", str(home.path))
        process.terminate()
        printed, _ = process.communicate(timeout=120)

        assert status == 1
        assert "No module named 'no_such_module'" in table
        assert "insert_rows restarting: ended with 1: ModuleNotFoundError" in printed
        assert not home.description.exists()


def test_a_folder_with_other_files_is_not_used_as_a_home(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not delete")

    for verb in ("up", "reset", "down", "status"):
        status, printed = call(verb, "--home", str(tmp_path))
        assert status == 1
        assert str(tmp_path) in printed
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_deleted_home_stops_its_platform(few_functions: tuple[str, str]) -> None:
    with new_home() as home:
        platform = start(home, *few_functions)
        left = processes.of_home(home)

        shutil.rmtree(home.path)
        left[0].kill()

        platform.process.communicate(timeout=120)
        assert not any(process.is_running() for process in left)


@pytest.fixture
def free_port() -> int:
    return ports.choose(["gateway"], {}, {})["gateway"]


def _reports(home: Home, words: str) -> bool:
    status = read_status(home)
    return bool(status and words in status.part("insert_rows").why)
