"""The supervisor's small building blocks: ports, logs, environment, processes, sample."""

import csv
import os
import stat
from pathlib import Path

import pytest

from infra import functions
from infra.local import environment, partlog, ports, processes, sample
from infra.local.layout import Layout
from infra.local.tabular import table


def test_free_ports_are_reused_and_taken_ones_replaced() -> None:
    previous = {"gateway": 20_001, "storage": 20_002}

    chosen = ports.choose(["gateway", "storage"], previous, {}, lambda port: port != 20_002)

    assert chosen["gateway"] == 20_001
    assert chosen["storage"] not in (20_001, 20_002)


def test_a_requested_port_is_used_by_that_part_only() -> None:
    chosen = ports.choose(["gateway", "storage"], {"storage": 20_001}, {"gateway": 20_003})

    assert chosen["gateway"] == 20_003
    assert len(set(chosen.values())) == 2


def test_ports_are_below_the_range_for_outgoing_connections() -> None:
    linux = Path("/proc/sys/net/ipv4/ip_local_port_range")
    # Elsewhere, IANA's range: ports for outgoing connections begin at 49152.
    first = int(linux.read_text().split()[0]) if linux.exists() else 49_152

    assert all(port < first for port in ports.choose(list("abcdefgh"), {}, {}).values())


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("starting\nModuleNotFoundError: No module named 'x'\n", "ModuleNotFoundError: No module"),
        ("FATAL:  could not bind\nHINT:  Is another running?\n", "FATAL:  could not bind"),
        ('{"severity": "ERROR", "message": "data file in use"}\n', "data file in use"),
        ("listening\n\n", "listening"),
        ("", ""),
    ],
)
def test_the_last_error_of_a_log_is_found(tmp_path: Path, log: str, expected: str) -> None:
    (tmp_path / "log").write_text(log)

    assert partlog.last_error(tmp_path / "log").startswith(expected)


def test_the_last_error_is_from_the_current_run(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("old error\n")

    assert partlog.last_error(tmp_path / "log", start=len("old error\n")) == ""


def test_a_large_log_is_rotated_when_opened(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"x" * 5_000_001)

    partlog.open_log(file).close()

    assert file.stat().st_size == 0
    assert (tmp_path / "log.1").stat().st_size == 5_000_001
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_large_log_is_rotated_while_its_part_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with partlog.open_log(file) as log:
        log.write(b"old" + b"x" * 6_000_000 + b"newest\n")
        log.flush()
        start = file.stat().st_size

        partlog.rotate(file)
        log.write(b"FATAL: after\n")

    assert file.read_bytes() == b"FATAL: after\n"
    old = tmp_path / "log.1"
    assert old.stat().st_size == 5_000_000
    assert old.read_bytes().endswith(b"newest\n")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert partlog.last_error(file, start) == "FATAL: after"


def test_a_small_log_is_not_rotated(tmp_path: Path) -> None:
    partlog.rotate(tmp_path / "log")
    (tmp_path / "log").write_bytes(b"x" * 5_000_000)

    partlog.rotate(tmp_path / "log")

    assert (tmp_path / "log").stat().st_size == 5_000_000
    assert not (tmp_path / "log.1").exists()


def test_variables_that_point_to_other_systems_are_not_inherited() -> None:
    foreign = {
        "DATABASE_URL": "postgresql://production",
        "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
        "PGHOST": "production",
        "HTTPS_PROXY": "http://proxy",
    }

    inherited = environment.inherited({**foreign, "PATH": "/bin", "MAX_BODY_BYTES": "5"})

    assert inherited == {"PATH": "/bin", "MAX_BODY_BYTES": "5", "NO_PROXY": "*"}


def test_a_process_is_identified_by_its_pid_and_start_time() -> None:
    began = processes.start_time(os.getpid())

    assert processes.find(os.getpid(), began) is not None
    assert processes.find(os.getpid(), began - 60) is None


def test_every_topic_in_use_is_created() -> None:
    found = functions.read()
    named = {push.topic for function in found for push in function.trigger.push}
    published = {topic for function in found for topic in function.permissions.publishes}
    timed = {job.topic for job in functions.jobs(found).values() if job.topic}

    topics = set(Layout({}, found, "").topics())

    assert topics == named | published | timed | {"uploads", "dead-letters"}


def test_the_sample_is_deterministic_and_as_documented(tmp_path: Path) -> None:
    first, second = sample.write(tmp_path / "a"), sample.write(tmp_path / "b")

    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    hires = list(csv.reader(first[0].read_text().splitlines()))
    assert len(hires) == 2_000
    assert sum("" in row for row in hires) == 70
    assert {row[2][:4] for row in hires if row[2]} == {"2021", "2022"}
    assert first[0].read_bytes().count(b"\r\n") == 2_000
    assert first[1].read_bytes().count(b"\r\n") == 12
    assert first[2].read_bytes().count(b"\r\n") == 183


def test_a_table_aligns_numbers_to_the_right() -> None:
    assert table(("name", "rows"), [("a", 5), ("bcd", 12)]) == (
        "  name  rows\n  ----  ----\n  a        5\n  bcd     12"
    )
