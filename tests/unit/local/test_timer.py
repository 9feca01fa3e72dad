"""The timer runs jobs on time and makes up for missed runs once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra import functions
from infra.functions import Job
from infra.local import timer
from infra.local.layout import Layout
from infra.local.timer import Runs

NIGHTLY = Job("nightly", "0 2 * * *", "UTC", topic="sweep")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Recorder:
    """Records which jobs ran."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, job: Job) -> str:
        self.names.append(job.name)
        return "done"


def test_a_fresh_start_has_no_missed_runs(tmp_path: Path) -> None:
    recorder = Recorder()

    timer.run_due([NIGHTLY], Runs(tmp_path / "runs"), NOON, recorder)

    assert recorder.names == []


def test_a_job_runs_once_when_it_is_due(tmp_path: Path) -> None:
    recorder, runs = Recorder(), Runs(tmp_path / "runs")
    timer.run_due([NIGHTLY], runs, NOON, recorder)
    due = NOON + timedelta(hours=14)

    timer.run_due([NIGHTLY], runs, due - timedelta(seconds=1), recorder)
    assert recorder.names == []

    timer.run_due([NIGHTLY], runs, due, recorder)
    timer.run_due([NIGHTLY], runs, due + timedelta(seconds=1), recorder)
    assert recorder.names == ["nightly"]


def test_a_week_of_missed_runs_is_made_up_for_by_one_run(tmp_path: Path) -> None:
    file, recorder = tmp_path / "runs", Recorder()
    before = Runs(file)
    timer.run_due([NIGHTLY], before, NOON, recorder)
    before.write()

    later = Runs(file)
    for minutes in range(3):
        timer.run_due([NIGHTLY], later, NOON + timedelta(days=7, minutes=minutes), recorder)

    assert recorder.names == ["nightly"]


def test_a_job_is_due_in_its_own_time_zone() -> None:
    bogota = Job("bogota", "0 2 * * *", "America/Bogota", topic="sweep")

    assert timer.next_run(bogota, NOON) == datetime(2026, 11, 24, 7, 0, tzinfo=UTC)


def test_a_job_calls_the_function_whose_folder_it_is_in() -> None:
    found = functions.read()
    layout = Layout({one.name: port for port, one in enumerate(found)}, found, "")

    addresses = timer.addresses(layout)

    assert addresses == {
        "nightly-backup": layout.url("backup_table"),
        "nightly-reconcile": layout.url("sync_warehouse"),
        "sweep": layout.url("ingest_csv"),
    }


def test_only_jobs_of_the_given_functions_are_listed() -> None:
    backup = [one for one in functions.read() if one.name == "backup_table"]

    assert list(functions.jobs(backup)) == ["nightly-backup"]
