"""The README is true: its example runs, and its tables, commands and links match the code."""

import json
import re
from pathlib import Path

import pytest

from shared import tables
from shared.settings import as_markdown
from shared.validation.header import layout
from tests.support.platform import Platform

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_complete():
    assert as_markdown() in README, "paste what `python -m shared.settings` prints into the README"


TARGETS = sorted(set(re.findall(r"(?:^    |`)make ([a-z]+)", README, re.MULTILINE)))


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_in_the_readme_exists(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_table_of_the_dictionary_is_listed():
    for table in tables.all_tables().values():
        parents = ", ".join(reference.table for reference in table.references)
        row = f"| {table.name} | {', '.join(table.names)} | {', '.join(table.key)} | {parents}"
        assert row.rstrip() in README


def test_every_relative_link_has_a_target():
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_the_example_that_drops_a_file_runs(platform: Platform, tmp_path):
    code = re.search(r"```python\nimport json\n(.*?)```", README, re.DOTALL)
    assert code is not None
    (tmp_path / "jobs.csv").write_text("1,Welder\n")
    text = "import json\n" + code[1]
    text = text.replace(".local/platform.json", str(platform.home.description))
    text = text.replace(
        'upload_from_filename("jobs.csv")', f'upload_from_filename("{tmp_path}/jobs.csv")'
    )

    names = {}
    exec(compile(text, "README.md", "exec"), names)

    names["client"].close()
    assert names["config"] == json.loads(platform.home.description.read_text())["storage"]


def test_a_header_sets_the_order_of_the_columns():
    assert layout(tables.find("jobs"), ["job", "id"]).order == (1, 0)
