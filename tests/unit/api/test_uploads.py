"""Names and bounds of files that are sent through the dashboard."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import tables
from shared.api.uploads import object_name
from shared.loading.uploads import address

KNOWN = tables.all_tables()
JOBS = tables.find("jobs")


def named(file_name, sender="ann"):
    return object_name(sender, JOBS, file_name, KNOWN)


@pytest.mark.parametrize(
    ("file_name", "kept"),
    [
        ("july.csv", "july.csv"),
        ("july.CSV.GZ", "july.csv.gz"),
        ("July 2021 (1).csv", "July-2021-1.csv"),
        ("C:\\folder\\july.csv", "july.csv"),
        ("../../etc/passwd", "passwd.csv"),
        ("..csv", "jobs.csv"),
        ("", "jobs.csv"),
        ("été.csv", "t.csv"),
        ("x" * 500 + ".csv", "x" * 80 + ".csv"),
    ],
)
def test_what_a_file_is_called_is_kept_as_far_as_it_is_safe(file_name, kept):
    assert re.fullmatch(
        rf"ann/jobs/\d{{8}}T\d{{6}}Z-[0-9a-f]{{8}}-{re.escape(kept)}", named(file_name)
    )


@given(file_name=st.text(max_size=300), sender=st.text(min_size=1, max_size=100))
def test_no_name_leads_anywhere_but_to_its_table(file_name, sender):
    name = named(file_name, sender)
    sender_found, table = address(name)

    assert re.fullmatch(r"[A-Za-z0-9._-]+/jobs/[A-Za-z0-9._-]+", name)
    assert ".." not in name.split("/")
    assert table.name == "jobs"
    assert sender_found is not None


@pytest.mark.parametrize("sender", [*KNOWN, "departments/jobs"])
def test_a_token_that_is_called_like_a_table_takes_no_other_tables_place(sender):
    found, table = address(named("july.csv", sender))

    assert table.name == "jobs"
    assert found not in KNOWN


def test_two_files_of_one_name_are_two_objects():
    assert named("july.csv") != named("july.csv")
