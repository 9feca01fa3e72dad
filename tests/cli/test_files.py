"""`drop`: what it takes, what it says of each file, and its exit codes."""

import gzip
import os
import signal
import subprocess
import time

import pexpect
import pytest

from tests.cli.conftest import PROGRAM, environment
from tests.support.checkout import ROOT


@pytest.fixture
def folder(tmp_path):
    """A folder with files of three tables, and one that is of none."""
    (tmp_path / "jobs-1.csv").write_text("1,Welder\n")
    (tmp_path / "jobs-2.csv.gz").write_bytes(gzip.compress(b"2,Tester\n"))
    (tmp_path / "departments").mkdir()
    (tmp_path / "departments" / "march.csv").write_text("1,Sales\n")
    (tmp_path / "readme.txt").write_text("nothing for a table")
    return tmp_path


def dropped(done):
    return {file["file"]: (file["table"], file.get("state")) for file in done.json["files"]}


def test_files_patterns_and_folders_are_sent_once_each(operator, run, folder):
    operator.clear()
    done = run("drop", "jobs-1.csv", "jobs-*", ".", "--wait", "--json", folder=folder)

    assert done.code == 0, done.err
    assert dropped(done) == {
        "jobs-1.csv": ("jobs", "done"),
        "jobs-2.csv.gz": ("jobs", "done"),
        "march.csv": ("departments", "done"),
    }
    assert operator.count("select count(*) from loads") == 3


def test_standard_input_is_sent_as_a_file(operator, run):
    done = run("drop", "-", "--table", "jobs", "--wait", "--json", given=b"7,Baker\n")

    assert done.code == 0, done.err
    assert operator.count("select count(*) from jobs where id = 7") == 1


def test_the_exit_code_says_what_became_of_the_files(operator, run, folder):
    (folder / "jobs-bad.csv").write_text("5,\n")
    (folder / "jobs-none.csv").write_text("a,b,c,d\n")

    assert run("drop", "jobs-1.csv", "--wait", folder=folder).code == 0
    rejected = run("drop", "jobs-bad.csv", "--wait", folder=folder)
    assert rejected.code == 2
    assert "line 1: job: A value is required" in rejected.out
    failed = run("drop", "jobs-1.csv", "jobs-bad.csv", "jobs-none.csv", "--wait", folder=folder)
    assert failed.code == 1
    assert "jobs-none.csv failed: " in failed.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nothing.csv"], "There is no file nothing.csv"),
        (["prices-*.csv"], "There is no file prices-*.csv"),
        (["readme.txt"], "does not say which table it is for; add --table"),
        (["jobs-1.csv", "--table", "offices"], "There is no table 'offices'"),
    ],
)
def test_what_cannot_be_sent_is_named_with_what_to_do(run, folder, words, why):
    done = run("drop", *words, folder=folder)

    assert done.code == 1
    assert why in done.err
    assert done.err.count("\n") == 1


def test_a_file_too_large_for_a_call_goes_to_the_bucket(operator, run, tmp_path):
    operator.clear()
    rows = 10_000
    text = "".join(f"{at},{'x' * 900}\n" for at in range(1, rows + 1)) * 4
    (tmp_path / "jobs-large.csv").write_text(text)
    assert len(text) > 32 << 20

    done = run("drop", "jobs-large.csv", "--wait", "--json", folder=tmp_path)

    assert done.code == 0, done.err
    assert operator.count("select count(*) from jobs") == rows


def test_a_large_file_shows_rows_and_bytes_while_it_is_judged(operator, platform, tmp_path):
    operator.dropped("jobs.csv", b"1,Welder\n")
    text = "".join(f"{at},{'x' * 900}\n" for at in range(1, 6000))
    (tmp_path / "jobs-large.csv").write_text(text)
    words = ["--home", str(platform.home.path), "drop", "jobs-large.csv", "--wait"]
    with operator.engine.connect() as connection, connection.begin():
        # The rows are read and staged, and cannot be merged.
        connection.exec_driver_sql("lock table jobs in share mode")
        child = pexpect.spawn(
            *(PROGRAM[0], [*PROGRAM[1:], *words]),
            cwd=str(tmp_path),
            env=environment(TERM="xterm", PYTHONPATH=str(ROOT)),
            dimensions=(50, 200),
            encoding="utf-8",
            timeout=60,
        )
        child.expect(r"jobs-large.csv: [0-9,]+ rows, \d+ of 5 MB")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_many_reasons_are_cut_with_the_command_that_shows_all(run, tmp_path):
    (tmp_path / "jobs.csv").write_text("".join(f"{at},\n" for at in range(1, 9)))

    done = run("drop", "jobs.csv", "--wait", folder=tmp_path)

    assert done.out.count("A value is required") == 5
    assert "rejects --load " in done.out


def test_ctrl_c_while_it_waits_leaves_the_load_running(operator, platform, tmp_path):
    (tmp_path / "jobs.csv").write_text("31,Miller\n")
    with operator.engine.connect() as connection, connection.begin():
        # The load waits, as for a restore.
        connection.exec_driver_sql("lock table jobs in access exclusive mode")
        process = subprocess.Popen(
            [*PROGRAM, "--home", str(platform.home.path), "drop", "jobs.csv", "--wait"],
            cwd=tmp_path,
            env=environment(PYTHONPATH=str(ROOT)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # The file is in the bucket when its event waits for the table.
        waiting = "select count(*) from pg_locks where not granted and relation = 'jobs'::regclass"
        limit = time.monotonic() + 60
        while not operator.count(waiting):
            assert time.monotonic() < limit
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    operator.synced()
    limit = time.monotonic() + 60
    while not operator.count("select count(*) from jobs where id = 31"):
        assert time.monotonic() < limit
        time.sleep(0.05)
