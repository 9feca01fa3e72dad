"""The examples of how to drop a file run."""

import json
import re
from pathlib import Path

from shared import tables
from shared.validation.header import layout
from tests.support.platform import Platform

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pages" / "how-to" / "drop.md").read_text(encoding="utf-8")


def test_the_example_that_drops_a_file_runs(platform: Platform, tmp_path):
    code = re.search(r"```python\nimport json\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    (tmp_path / "jobs.csv").write_text("1,Welder\n")
    text = "import json\n" + code[1]
    text = text.replace(".local/platform.json", str(platform.home.description))
    text = text.replace(
        'upload_from_filename("jobs.csv")', f'upload_from_filename("{tmp_path}/jobs.csv")'
    )

    names = {}
    exec(compile(text, "drop.md", "exec"), names)

    names["client"].close()
    assert names["config"] == json.loads(platform.home.description.read_text())["storage"]


def test_a_header_sets_the_order_of_the_columns():
    assert layout(tables.find("jobs"), ["job", "id"]).order == (1, 0)
