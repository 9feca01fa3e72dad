"""The supervisor: one platform per home, parts that restart, and data that survives."""

import json
import os
import urllib.request
from pathlib import Path

import httpx
import pg8000.native
import psutil
import pytest

from infra.local import features, processes
from infra.local.layout import Layout
from tests.platform import contents
from tests.platform.contents import Contents
from tests.support import clients
from tests.support.platform import Platform, call, is_loopback, wait_until

STAND_INS = ("postgres", "pubsub", "bigquery", "storage", "eventarc", "gateway", "timer")


def test_a_second_up_on_a_home_in_use_says_so_and_exits_1(platform: Platform) -> None:
    status, printed = call("up", "--home", str(platform.home.path))

    assert status == 1
    assert printed == (
        f"A platform runs on {platform.home.path} already; `./tablegate down` stops it.\n"
    )
    assert platform.is_healthy()


def test_a_home_in_use_cannot_be_reset(platform: Platform) -> None:
    status, printed = call("reset", "--home", str(platform.home.path))

    assert status == 1
    assert "tablegate down" in printed
    assert platform.is_healthy()


def test_the_description_is_private_and_has_exactly_its_keys(platform: Platform) -> None:
    description = json.loads(platform.home.description.read_text())

    assert platform.home.description.stat().st_mode & 0o777 == 0o600
    assert platform.home.token_file.stat().st_mode & 0o777 == 0o600
    assert {
        key: set(value) if isinstance(value, dict) else str for key, value in description.items()
    } == {
        "gateway": str,
        "token": str,
        "storage": {"endpoint", "uploads", "processed", "failed", "backups"},
        "database_url": str,
        "bigquery": {"endpoint", "project", "dataset"},
        "pubsub": {"endpoint", "project", "secret"},
    }


def test_every_part_listens_on_this_machine_only(platform: Platform) -> None:
    ports = {
        (connection.laddr.ip, connection.laddr.port)
        for process in processes.of_home(platform.home)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert all(is_loopback(address) for address, _ in ports)
    # On macOS, the server behind Cloud Storage's has a port of its own.
    hidden = {port for _, port in ports} - set(Layout.read(platform.home).ports.values())
    assert len(hidden) <= (0 if features.has_loopback_network() else 1)
    assert len(ports) >= len(STAND_INS) - 2


def test_only_the_owner_can_read_the_files_of_a_home(platform: Platform) -> None:
    open_to_others = [
        file
        for file in platform.home.path.iterdir()
        if file.is_file() and file.stat().st_mode & 0o077 and file.stat().st_size
    ]

    assert open_to_others == []


def test_status_lists_the_parts_and_succeeds_if_all_are_ready(platform: Platform) -> None:
    status, printed = call("status", "--home", str(platform.home.path))

    assert status == 0
    assert all(part in printed for part in STAND_INS)


@pytest.mark.parametrize("part", STAND_INS)
def test_a_killed_stand_in_restarts_with_its_data(platform: Platform, part: str) -> None:
    put = Contents.put_into(platform, part)

    platform.kill(part)

    assert put.are_in(platform)


def test_every_killed_function_restarts(platform: Platform) -> None:
    functions = [function.name for function in Layout.read(platform.home).functions]

    for function in functions:
        platform.kill(function)

    assert all(platform.part(function).state == "ready" for function in functions)


def test_a_killed_worker_of_a_function_restarts(platform: Platform) -> None:
    functions = Layout.read(platform.home).functions
    for function in functions[:1]:
        part = platform.part(function.name)
        for worker in psutil.Process(part.pid).children():
            worker.kill()

        answer = httpx.get(f"{part.address}/robots.txt", timeout=20)

        assert answer.status_code in (404, 405)
        assert platform.part(function.name).pid == part.pid


def test_a_file_without_metadata_is_moved_out_of_its_bucket(platform: Platform) -> None:
    bucket = platform.home.storage / "tablegate-backups"
    (bucket / "torn.avro").write_bytes(b"half")

    platform.kill("storage")

    with urllib.request.urlopen(
        f"{platform.description['storage']['endpoint']}/storage/v1/b/tablegate-backups/o"
    ) as answer:
        names = [item["name"] for item in json.load(answer).get("items", [])]
    assert "torn.avro" not in names
    moved = platform.home.path / "storage-lost" / "tablegate-backups" / "torn.avro"
    assert moved.read_bytes() == b"half"


def test_healthz_reports_this_supervisor(platform: Platform) -> None:
    status = platform.status()

    answer = httpx.get(f"{platform.gateway}/healthz")

    assert answer.status_code == 200
    assert status.pid == platform.process.pid
    assert status.pid != os.getpid()
    assert all(part.name in answer.text for part in status.parts)


@pytest.mark.parametrize("depth", [2, 12])
def test_an_object_name_cannot_leave_the_storage_folder(platform: Platform, depth: int) -> None:
    name = f"{'../' * depth}tmp/escaped-{os.getpid()}.csv"
    endpoint = platform.description["storage"]["endpoint"]

    answer = httpx.post(
        f"{endpoint}/upload/storage/v1/b/tablegate-backups/o",
        params={"uploadType": "media", "name": name},
        content=b"1,a\n",
    )

    assert answer.status_code >= 400
    assert list(Path("/tmp").glob(f"escaped-{os.getpid()}*")) == []
    assert platform.is_healthy()


def test_a_file_dropped_while_pubsub_is_down_is_loaded_later(platform: Platform) -> None:
    psutil.Process(platform.part("pubsub").pid).kill()
    with contents.bucket(platform, "uploads") as uploads:
        blob = uploads.blob("departments-dropped.csv")
        blob.upload_from_string(b"4711,Salvage\r\n", content_type="text/csv")

    database = clients.connection(platform.database_url)
    try:
        wait_until(lambda: _is_loaded(database, blob.generation), "loaded", seconds=60)
    finally:
        database.close()


def _is_loaded(database: pg8000.native.Connection, generation: int) -> bool:
    source = f"%#{generation}"
    states = database.run("select state from loads where source like :source", source=source)
    return states == [["done"]]
