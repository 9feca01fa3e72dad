"""The timer: on time, once for what was missed, and over no failure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra import functions
from infra.functions import Job
from infra.local import timer
from infra.local.layout import Layout
from infra.local.timer import Runs

NIGHTLY = Job("nightly", "0 2 * * *", "UTC", topic="sweep")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Carried:
    """Remembers what was carried out."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, call: Job) -> str:
        self.names.append(call.name)
        return "done"


def test_a_new_home_makes_nothing_up(tmp_path: Path) -> None:
    carried = Carried()

    timer.run_due([NIGHTLY], Runs(tmp_path / "runs"), NOON, carried)

    assert carried.names == []


def test_a_call_runs_when_its_moment_has_come_and_not_again(tmp_path: Path) -> None:
    carried, runs = Carried(), Runs(tmp_path / "runs")
    timer.run_due([NIGHTLY], runs, NOON, carried)
    due = NOON + timedelta(hours=14)

    timer.run_due([NIGHTLY], runs, due - timedelta(seconds=1), carried)
    assert carried.names == []

    timer.run_due([NIGHTLY], runs, due, carried)
    timer.run_due([NIGHTLY], runs, due + timedelta(seconds=1), carried)
    assert carried.names == ["nightly"]


def test_runs_missed_over_a_week_are_made_up_once(tmp_path: Path) -> None:
    file, carried = tmp_path / "runs", Carried()
    before = Runs(file)
    timer.run_due([NIGHTLY], before, NOON, carried)
    before.write()

    later = Runs(file)
    for minutes in range(3):
        timer.run_due([NIGHTLY], later, NOON + timedelta(days=7, minutes=minutes), carried)

    assert carried.names == ["nightly"]


def test_a_time_zone_moves_the_moment() -> None:
    there = Job("there", "0 2 * * *", "America/Bogota", topic="sweep")

    assert timer.next_run(there, NOON) == datetime(2026, 11, 24, 7, 0, tzinfo=UTC)


def test_a_job_calls_the_function_whose_folder_it_is_in() -> None:
    found = functions.read()
    layout = Layout({one.name: port for port, one in enumerate(found)}, found, "")

    addresses = timer.addresses(layout)

    assert addresses == {
        "nightly-backup": layout.url("backup_table"),
        "nightly-reconcile": layout.url("sync_warehouse"),
        "sweep": layout.url("ingest_csv"),
    }


def test_the_jobs_of_a_function_that_is_not_there_are_left_out() -> None:
    backup = [one for one in functions.read() if one.name == "backup_table"]

    assert list(functions.jobs(backup)) == ["nightly-backup"]
