"""The name of a dropped file says its table and its sender."""

import pytest

from shared.errors import ConfigurationError, UnreadableFile
from shared.loading.uploads import Uploads, address
from shared.settings import read


@pytest.mark.parametrize(
    ("name", "sender", "table"),
    [
        ("jobs.csv", None, "jobs"),
        ("JOBS.CSV", None, "jobs"),
        ("Hired_Employees.csv", None, "hired_employees"),
        ("jobs.csv.gz", None, "jobs"),
        ("jobs-july.csv", None, "jobs"),
        ("jobs-.csv", None, "jobs"),
        ("jobs-july-2021.csv.GZ", None, "jobs"),
        ("jobs-line\nbreak.csv", None, "jobs"),
        ("hired_employees-a.csv", None, "hired_employees"),
        ("jobs/anything", None, "jobs"),
        ("jobs/departments/a.csv", None, "jobs"),
        ("jobs/a/b/c.csv.gz", None, "jobs"),
        ("jobs/-", None, "jobs"),
        ("acme/jobs/a.csv", "acme", "jobs"),
        ("acme/jobs/departments.csv", "acme", "jobs"),
        ("acme/jobs/departments/a.csv", "acme", "jobs"),
        ("acme/departments/jobs.csv", "acme", "departments"),
        ("teams/jobs/a", "teams", "jobs"),
    ],
)
def test_a_files_name_gives_its_table_and_its_sender(name, sender, table):
    found_sender, found_table = address(name)

    assert (found_sender, found_table.name) == (sender, table)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "teams.csv",
        "jobs",
        "jobs.txt",
        "jobs.csv.zip",
        "jobs.csvx",
        "jobs_july.csv",
        "my-jobs.csv",
        ".csv",
        "-jobs.csv",
        "jobs/",
        "acme/jobs/",
        "/jobs.csv",
        "/jobs/a.csv",
        "acme/jobs.csv",
        "acme/teams/a.csv",
        "acme/july/jobs/a.csv",
        "JOBS/a.csv",
        "jobs\x00.csv",
        "jobs/a\x00.csv",
    ],
)
def test_a_name_that_fits_no_table_says_which_names_do(name):
    with pytest.raises(UnreadableFile, match="where TABLE is one of departments, jobs") as caught:
        address(name)

    assert caught.value.code == "unknown_table"
    assert caught.value.facts == {"tables": ["departments", "jobs", "hired_employees"]}


def test_a_very_long_name_is_quoted_in_part():
    with pytest.raises(UnreadableFile) as caught:
        address("n" * 1000)

    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("missing", ["UPLOADS_BUCKET", "PROCESSED_BUCKET", "FAILED_BUCKET"])
def test_uploads_without_one_of_their_buckets_are_refused_before_they_begin(missing):
    names = ("UPLOADS_BUCKET", "PROCESSED_BUCKET", "FAILED_BUCKET")
    settings = read({name: "a-bucket" for name in names if name != missing})

    with pytest.raises(ConfigurationError, match=missing):
        Uploads(settings, None, None, None)
