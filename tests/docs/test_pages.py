"""README and docs are true: commands answer what is shown, and links lead somewhere."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from infra import reference
from infra.cli.main import VERBS
from infra.local import postgres, processes
from infra.local.home import Home
from shared import tables
from shared.api import api_docs
from shared.database.engine import create
from shared.settings import described
from shared.settings import read as read_settings
from shared.tables import Check, Table
from shared.tables.kinds import KINDS
from shared.validation.reasons import CATALOGUE
from tests.docs.walkthrough import Shell, examples
from tests.support.checkout import ROOT
from tests.support.platform import claim_ports, skip_without_bigquery, wait_until

PAGES = ROOT / "docs" / "pages"
# As a reader meets them: one platform serves all.
IN_ORDER = [
    ROOT / "README.md",
    PAGES / "tutorial.md",
    *sorted((PAGES / "how-to").glob("*.md")),
    *sorted((PAGES / "explanation").glob("*.md")),
]
WRITTEN = reference.pages()


@pytest.fixture(scope="module")
def place():
    """A folder with the command in it, where the first example starts a platform."""
    skip_without_bigquery()
    # Not pytest's own folder: PostgreSQL's account could not enter that.
    folder = Path(tempfile.mkdtemp(prefix="tablegate-docs-"))
    folder.chmod(0o711)
    command = folder / "tablegate"
    words = f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m infra.cli"
    command.write_text(f'#!/bin/sh\n{words} "$@"\n')
    command.chmod(0o755)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    words = f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)}"
    python.write_text(f'#!/bin/sh\n{words} "$@"\n')
    python.chmod(0o755)
    home = Home.at(folder / ".local")
    claim_ports(home)
    yield folder
    with closing(Shell(folder)) as shell:
        shell.run("./tablegate down")
    processes.end(processes.of_home(home))
    postgres.remove_outside(home)
    shutil.rmtree(folder)


def _is_fresh(shell: Shell) -> bool:
    found = json.loads(shell.run("./tablegate freshness --json"))
    return all(one["unsynced"] == 0 for one in found["tables"])


@pytest.mark.parametrize("page", IN_ORDER, ids=[str(p.relative_to(ROOT)) for p in IN_ORDER])
def test_the_commands_of_a_page_answer_what_it_shows(place, page):
    with closing(Shell(place)) as shell:
        if (place / ".local" / "platform.json").exists():
            # A reader of the page before is slower than BigQuery's copy of its rows.
            wait_until(lambda: _is_fresh(shell), "BigQuery has what the pages before loaded")
        for example in examples(page):
            printed = shell.run(example.command)

            assert example.is_like(printed) or not example.answer, (
                f"$ {example.command}\n{printed}\ninstead of\n{example.answer}"
            )


@pytest.mark.parametrize("page", IN_ORDER, ids=[str(p.relative_to(ROOT)) for p in IN_ORDER])
def test_the_sql_of_a_page_runs(place, page):
    """A block may show the answer after its statement."""
    description = json.loads((place / ".local" / "platform.json").read_text())
    engine = create(read_settings({"DATABASE_URL": description["database_url"]}))
    blocks = re.findall(r"^```sql\n(.*?);", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    with engine.connect() as connection:
        for statement in blocks:
            assert connection.exec_driver_sql(statement).returns_rows
    engine.dispose()


@pytest.mark.parametrize("page", IN_ORDER, ids=[str(p.relative_to(ROOT)) for p in IN_ORDER])
def test_what_looks_like_a_command_is_one_that_is_run(page):
    text = page.read_text("utf-8")
    outside = re.sub(r"^```console\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)

    assert re.findall(r"^(?:    )?(?:\$ )?curl .*", outside, re.MULTILINE) == []


def test_examples_are_found_and_can_differ():
    found = list(examples(PAGES / "tutorial.md"))
    assert len(found) > 10
    first = found[2]
    assert first.is_like(first.answer.replace("...", "7"))
    assert not first.is_like("")
    assert not first.is_like(first.answer.replace("jobs", "job"))


@pytest.mark.parametrize(
    "page", sorted(PAGES.rglob("*.md")), ids=lambda p: str(p.relative_to(PAGES))
)
def test_every_link_of_a_page_has_a_target(page):
    there = set(WRITTEN) | {str(p.relative_to(PAGES)) for p in PAGES.rglob("*.*")}
    for target, _, anchor in re.findall(
        r"\]\((?!https?:)([^)#]*)(#([^)]*))?\)", page.read_text("utf-8")
    ):
        aim = page if not target else (page.parent / target).resolve()
        name = str(aim.relative_to(PAGES))
        assert name in there, target
        if anchor:
            text = WRITTEN.get(name) or aim.read_text("utf-8")
            heads = {
                re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-")
                for h in re.findall(r"^#+ (.*)", text, re.M)
            }
            assert anchor in heads, f"{target}#{anchor}"


def test_every_picture_and_page_of_the_readme_exists():
    for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / target).exists(), target


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in [*IN_ORDER, *PAGES.rglob("*.md")]:
        for target in re.findall(r"`make ([a-z]+)", page.read_text("utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"


def test_the_reference_has_everything():
    for setting in described():
        assert f"`{setting.name.upper()}`" in WRITTEN["reference/settings.md"]
    for table in tables.all_tables().values():
        assert f"## {table.name}" in WRITTEN["reference/dictionary.md"]
        for name in table.names:
            assert f"| `{name}` |" in WRITTEN["reference/dictionary.md"]
    for name, kind in KINDS.items():
        assert f"\n## {name}\n" in WRITTEN["reference/kinds.md"]
        for code in kind.reasons:
            assert f"| `{code}` |" in WRITTEN["reference/kinds.md"]
    for code in CATALOGUE:
        assert f"`{code}`" in WRITTEN["reference/reasons.md"]
    for path, operations in api_docs.build()["paths"].items():
        for method in operations:
            assert f"## {method.upper()} {path}\n" in WRITTEN["reference/api.md"]
    for verbs in VERBS.values():
        for verb in verbs:
            assert re.search(rf"^### {verb}\b", WRITTEN["reference/cli.md"], re.M), verb
    assert "row_versions" in WRITTEN["reference/ledger.md"]


def test_the_reference_has_the_options_of_a_kind():
    kinds = WRITTEN["reference/kinds.md"]

    assert "| [Decimal](#decimal) | `digits`, `places`, `minimum`, `maximum` | `numeric" in kinds
    assert "| `places` | how many of them are behind the point. | `2` |" in kinds
    assert "| `of` | the texts. | must be given |" in kinds


def test_the_table_of_the_guide_is_accepted():
    (block,) = re.findall(
        r"^```python\n(.*?)^```", (PAGES / "how-to/add-a-table.md").read_text("utf-8"), re.M | re.S
    )
    found = {}
    exec(compile(block, "add-a-table.md", "exec"), found)
    customers = Table("customers", tables.find("jobs").schema)

    accepted = tables.in_order({"customers": customers, "orders": found["TABLE"]})

    assert list(accepted) == ["customers", "orders"]


def test_the_reference_has_the_checks_of_a_table(monkeypatch):
    jobs = tables.find("jobs")
    checked = Table("checked_jobs", jobs.schema, checks=(Check("id != 7", "Seven is taken."),))
    monkeypatch.setitem(tables.all_tables(), "checked_jobs", checked)

    assert "| `id != 7` | Seven is taken. |" in reference.pages()["reference/dictionary.md"]


def test_the_site_is_built_without_a_warning(tmp_path):
    mkdocs = ROOT / ".venv-docs" / "bin" / "mkdocs"
    if not mkdocs.exists():
        pytest.skip("`make docs` installs mkdocs in .venv-docs")
    pages, config = tmp_path / "pages", tmp_path / "docs" / "mkdocs.yml"
    subprocess.run([sys.executable, "-m", "infra.reference", str(pages)], cwd=ROOT, check=True)
    config.parent.mkdir()
    text = (ROOT / "docs" / "mkdocs.yml").read_text("utf-8")
    config.write_text(text.replace("../build/", f"{tmp_path}/"))

    done = subprocess.run(
        [str(mkdocs), "build", "--strict", "--config-file", str(config)],
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "docs" / "reference" / "cli" / "index.html").exists()
