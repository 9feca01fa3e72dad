"""functions/X/function.json: which values it accepts, and that errors name the file and the key."""

import json
import re
import shutil

import msgspec
import pytest

from infra import functions
from infra.functions import FOLDER, ROOT, Function, InvalidFunction


@pytest.fixture
def folder(tmp_path):
    """A folder with one function."""
    shutil.copytree(FOLDER / "sync_warehouse", tmp_path / "toy")
    return tmp_path


def change(folder, section, **values):
    """Change values of a section of the function's file."""
    file = folder / "toy" / "function.json"
    described = json.loads(file.read_text())
    described[section].update(values)
    file.write_text(json.dumps(described))


def test_a_function_has_the_name_of_its_folder(folder):
    (found,) = functions.read(folder)

    assert found.name == "toy"
    assert found.limits.timeout_seconds == 540
    assert [push.topic for push in found.trigger.push] == ["table-changed", "sweep"]


def test_every_function_of_the_checkout_is_read():
    names = [one.name for one in functions.read()]

    assert names == sorted(path.name for path in FOLDER.iterdir() if path.name != "__pycache__")


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("limits", {"memory": "1 GB"}, r"matching regex .* at `\$\.limits\.memory`"),
        ("limits", {"concurrency": 0}, r">= 1 - at `\$\.limits\.concurrency`"),
        ("limits", {"pool": 0}, "pool must be above 0 if the function has a role in the database"),
        ("limits", {"timeout": 5}, r"unknown field `timeout` - at `\$\.limits`"),
        ("permissions", {"database": "root"}, r"'root' - at `\$\.permissions\.database`"),
        ("permissions", {"buckets": {"mine": "user"}}, r"'mine' - at `key` in `\$\.permissions"),
        ("trigger", {"storage_event": "uploads"}, "storage_event needs the signature cloudevent"),
        ("trigger", {"signature": "cloudevent", "paths": ["/x"]}, "paths need the signature http"),
        ("trigger", {"push": []}, "add a push"),
        ("package", {"files": "shared"}, r"Expected `array`, got `str` - at `\$\.package\.files`"),
    ],
)
def test_an_invalid_value_is_reported_with_its_file_and_key(folder, section, values, message):
    job = {"name": "tick", "cron": "* * * * *", "time_zone": "UTC", "topic": "sweep"}
    change(folder, "trigger", schedule=[job])
    change(folder, section, **values)

    with pytest.raises(InvalidFunction, match=rf"toy/function\.json: .*{message}"):
        functions.read(folder)


def test_a_missing_key_is_reported(folder):
    file = folder / "toy" / "function.json"
    described = json.loads(file.read_text())
    del described["permissions"]["tokens"]
    file.write_text(json.dumps(described))

    with pytest.raises(InvalidFunction, match=r"missing required field `tokens`"):
        functions.read(folder)


@pytest.mark.parametrize("both", [{}, {"topic": "sweep", "path": "/"}])
def test_a_job_either_calls_or_publishes(folder, both):
    job = {"name": "tick", "cron": "* * * * *", "time_zone": "UTC"}
    change(folder, "trigger", schedule=[{**job, **both}])

    with pytest.raises(InvalidFunction, match="job tick needs either a topic or a path"):
        functions.read(folder)


def test_two_functions_with_the_same_job_are_reported(folder):
    shutil.copytree(folder / "toy", folder / "other")

    with pytest.raises(InvalidFunction, match="other and toy both have a job nightly-reconcile"):
        functions.read(folder)


@pytest.mark.parametrize("name", ["main.py", "function.json"])
def test_a_missing_file_of_a_function_is_reported(folder, name):
    (folder / "toy" / name).unlink()

    with pytest.raises(InvalidFunction, match=rf"toy has no {name}"):
        functions.read(folder)


def test_a_folder_whose_name_cannot_be_a_functions_is_reported(folder):
    (folder / "toy").rename(folder / "My-Toy")

    with pytest.raises(InvalidFunction, match="My-Toy cannot name a function"):
        functions.read(folder)


def test_the_readme_explains_every_key():
    readme = (ROOT / "infra" / "README.md").read_text("utf-8")
    section = readme.split("## A function is its folder")[1].split("\n## ")[0]
    explained = re.findall(r"^\| `(\w+\.\w+)` \|", section, re.MULTILINE)

    assert explained == [
        f"{section.name}.{key.name}"
        for section in msgspec.structs.fields(Function)
        if section.name != "name"
        for key in msgspec.structs.fields(section.type)
    ]
