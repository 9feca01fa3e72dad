"""Object names of files uploaded through the dashboard."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import tables
from shared.api.uploads import object_name
from shared.loading.uploads import address

KNOWN = tables.all_tables()
JOBS = tables.find("jobs")


def name_of(file_name, sender="ann"):
    return object_name(sender, JOBS, file_name, KNOWN)


@pytest.mark.parametrize(
    ("file_name", "expected"),
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
def test_the_safe_part_of_a_files_name_is_preserved(file_name, expected):
    assert re.fullmatch(
        rf"ann/jobs/\d{{8}}T\d{{6}}Z-[0-9a-f]{{8}}-{re.escape(expected)}", name_of(file_name)
    )


@given(file_name=st.text(max_size=300), sender=st.text(min_size=1, max_size=100))
def test_any_file_name_stays_under_its_own_table(file_name, sender):
    name = name_of(file_name, sender)
    sender_found, table = address(name)

    assert re.fullmatch(r"[A-Za-z0-9._-]+/jobs/[A-Za-z0-9._-]+", name)
    assert ".." not in name.split("/")
    assert table.name == "jobs"
    assert sender_found is not None


@pytest.mark.parametrize("sender", [*KNOWN, "departments/jobs"])
def test_a_token_named_like_a_table_does_not_change_the_target_table(sender):
    found, table = address(name_of("july.csv", sender))

    assert table.name == "jobs"
    assert found not in KNOWN


def test_two_files_with_the_same_name_become_two_objects():
    assert name_of("july.csv") != name_of("july.csv")


@pytest.mark.parametrize(
    "others", [("Ann Lee", "Ann-Lee", "Ann\tLee", "-Ann-Lee-"), ("jobs", "token-jobs"), ("é", "ü")]
)
def test_senders_whose_names_look_alike_have_folders_of_their_own(others):
    folders = {name_of("july.csv", sender).split("/")[0] for sender in others}

    assert len(folders) == len(others)
