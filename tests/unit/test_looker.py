"""The Looker Studio link names every reporting view; its command names missing settings."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from shared import looker
from shared.warehouse.names import Names
from shared.warehouse.objects import view_texts

ROOT = Path(__file__).parents[2]


def query(link):
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def run_looker(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "shared.looker", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_link_names_every_reporting_view():
    assert set(looker.views()) == set(view_texts(Names("p", "w", "r")))


def test_each_view_is_a_data_source():
    found = query(looker.link("my-project", "reporting"))

    for view in looker.views():
        assert found[f"ds.{view}.connector"] == "bigQuery"
        assert found[f"ds.{view}.type"] == "TABLE"
        assert found[f"ds.{view}.projectId"] == "my-project"
        assert found[f"ds.{view}.datasetId"] == "reporting"
        assert found[f"ds.{view}.tableId"] == view
    assert "c.reportId" not in found


def test_a_template_is_copied_if_one_is_named():
    found = query(looker.link("my-project", "reporting", "1a2b"))

    assert found["c.reportId"] == "1a2b"


def test_the_command_prints_the_link_for_its_settings():
    done = run_looker(GOOGLE_CLOUD_PROJECT="my-project", REPORTING_DATASET="views")

    assert done.returncode == 0
    assert done.stdout == looker.link("my-project", "views") + "\n"


def test_the_command_names_a_missing_setting():
    done = run_looker()

    assert (done.returncode, done.stdout) == (1, "")
    assert "GOOGLE_CLOUD_PROJECT" in done.stderr
