"""Hostile file names: every file is archived in exactly one bucket, whatever its name."""

import json
from datetime import UTC, datetime

import pytest

from shared.errors import UnreadableFile
from shared.loading.uploads import address
from shared.storage import StoredObject, sibling

LONG = "jobs-" + "x" * 220 + ".csv"


@pytest.mark.parametrize(
    "name",
    [
        LONG,
        "jobs/" + "é" * 114,
        "ann/jobs/" + "💣" * 56,
        "jobs/" + "/".join(["n" * 200] * 5),
        "jobs-\u202egnp.exe.csv",
        "jobs-\u200b\ufeff\u0301.csv",
        "jobs-%2e%2e%2fetc.csv",
        "jobs-line\nnext\r\nX-Header: 1.csv",
        "jobs-'; drop table jobs; --.csv",
        "=cmd|' calc'!A0/jobs/1.csv",
        "../jobs".replace("..", "\u2025") + "/jobs/a.csv",
    ],
)
def test_a_file_with_any_name_of_a_table_is_loaded_and_archived_with_its_rejects(
    name, drop, lying, rows
):
    entry = drop(name, b"1,Welder\nx,Bad\n")

    assert (entry.state, entry.counts.inserted, entry.counts.rejected) == ("done", 1, 1)
    assert lying("uploads") == []
    assert len(lying("processed")) == 2
    assert name in lying("processed")
    assert rows("select job from jobs") == [("Welder",)]


@pytest.mark.parametrize(
    "name", ["n" * 229, "jоbs.csv", "ＪＯＢＳ.csv", "jobs\u200b.csv", "JOBS.exe"]
)
def test_a_name_that_only_looks_like_a_table_goes_to_failed_with_a_report(
    name, drop, lying, uploads
):
    entry = drop(name, b"1,Welder\n")

    assert entry.state == "failed"
    assert lying("uploads") == []
    (report,) = (found for found in lying("failed") if found != name)
    bucket = uploads.objects.client.bucket(uploads.settings.failed_bucket)
    content = json.loads(bucket.blob(report).download_as_bytes())
    assert (content["file"], content["code"]) == (name, "unknown_table")


def test_two_files_with_the_same_long_name_both_have_their_rejects_file(drop, lying):
    drop(LONG, b"1,Welder\nx,Bad\n")
    drop(LONG, b"2,Tester\ny,Bad\n")

    assert len(lying("processed")) == 4


@pytest.mark.parametrize("name", ["jobs.csv", "é" * 600, "a/" * 511 + "b", "n" * 1024, "é" * 512])
def test_the_name_of_a_report_or_rejects_file_is_always_valid(name):
    ending = ".rejected.csv"

    found = sibling(name[:1024], ending)

    assert found.endswith(ending)
    assert len(found.encode()) <= 1024
    assert len(found.rpartition("/")[2].encode()) <= 230
    assert sibling("x" + name[1:1024] + "y", ending) != found


def test_a_name_with_a_nul_fits_no_table_and_has_an_identity_without_nul():
    stored = StoredObject("b", "a\x00/jobs/x.csv", 1, datetime.now(UTC), 1, "AAAAAA==", {})

    assert "\x00" not in stored.identity
    with pytest.raises(UnreadableFile, match="matches no table"):
        address(stored.name)
