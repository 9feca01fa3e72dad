"""Every verb at a terminal, and with --json, on the platform of this machine."""

import re
from dataclasses import dataclass

import click
import jsonschema
import pytest

from infra.cli.main import VERBS, cli
from infra.cli.shapes import shapes
from shared.api import api_docs
from tests.cli.conftest import typed

SHAPES = shapes(api_docs.build())
ALL_VERBS = [verb for verbs in VERBS.values() for verb in verbs]


@dataclass(frozen=True)
class Case:
    """A command, what a person sees of it, and the shape of its JSON.

    Attributes:
        words: the command, without `tablegate`.
        seen: a pattern of what is printed.
        code: its exit code.
        shape: the name of its shape; "" for a command that prints what is no table.
    """

    words: str
    seen: str
    code: int = 0
    shape: str = ""


# In this order: later ones see what earlier ones did.
CASES = (
    Case("up", r"gateway\s+ready(.|\n)*/dashboard#sign-in=(.|\n)*What to try:", 0, "up"),
    Case("status", r"gateway\s+ready", 0, "status"),
    Case("open", r"^http://127.0.0.1:\d+/dashboard#sign-in=\S+$", 0, "open"),
    Case("env", r"^export TABLEGATE_URL=http://127.0.0.1:\d+ TABLEGATE_TOKEN=\S+$", 0, "env"),
    Case("logs gateway", ""),
    Case("doctor", r"ok\s+platform\s+answers at http", 0, "doctor"),
    Case("drop {files} --wait", r"jobs-a.csv\s+jobs\s+done\s+4\s+2(.|\n)*line 4: job: ", 2, "drop"),
    Case("drop {files}/jobs-a.csv --table jobs", r"jobs-a.csv is load \S+ of jobs", 0, "drop"),
    Case("loads --kind file --state done", r"jobs-a.csv\s+done", 0, "loads"),
    Case("load {load}", r"state\s+done", 0, "load"),
    Case("rows jobs", r"1\s+Welder\s+20", 0, "rows"),
    Case("rows jobs 1", r"1\s+Welder", 0, "rows KEY"),
    Case("rows jobs --csv", r"id,job,accepted_at,load_id\n1,Welder,"),
    Case("rejects --table jobs", r"why\s*\n(.|\n)*A value is required", 0, "rejects"),
    Case("rejects --table jobs --csv", r"id,job,_line,_reasons\n"),
    Case("replay {reject} --set job=Smith", r"1 stored", 0, "replay"),
    Case("replay {reject} --set job=Smith", r"is replayed, not open", 2, "replay"),
    Case("discard {other}", r"1 discarded", 0, "discard"),
    Case("backup", r"hired_employees\s+[0-9a-f]{12}(.|\n)*yes", 0, "backup"),
    Case("backup jobs", r"jobs\s+[0-9a-f]{12}", 0, "backup"),
    Case("backup jobs --list", r"jobs\s+[0-9a-f]{12}", 0, "backup"),
    Case("restore jobs --preview", r"It would change:(.|\n)*Nothing has changed", 0, "restore"),
    Case("restore all", r"Restored:\n(.|\n)*hired_employees", 0, "restore"),
    Case("metrics", r"hires_by_quarter 2021: 1 rows(.|\n)*Sales\s+Welder", 0, "metrics"),
    Case("metrics departments_above_mean --year 2020", r"2020, mean 0.00: 0", 0, "metrics NAME"),
    Case("freshness", r"hired_employees\s+20", 0, "freshness"),
    Case("reconcile --table jobs", r"jobs\s+yes", 0, "reconcile"),
    Case("token new ann --scopes rows,read", r"tg_\S{40}", 0, "token new"),
    Case("token list", r"ann\s+rows, read\s+never", 0, "token list"),
    Case("token revoke ann", r"is revoked", 0, "token revoke"),
    Case("table new {sample} --print", r"TABLE = Table\(name=\"prices\"", 0, "table new"),
    Case("completion bash", r"_TABLEGATE_COMPLETE", 0, "completion"),
)
# These end the platform, or start another: tests/platform/test_demo.py and test_own_platform.
ELSEWHERE = {"down", "reset", "demo"}


@pytest.fixture(scope="module")
def places(operator, tmp_path_factory):
    """What the placeholders of the commands stand for, filled in as it becomes known."""
    operator.dropped("departments.csv", b"1,Sales\n")
    folder = tmp_path_factory.mktemp("files")
    (folder / "jobs-a.csv").write_text("id,job\n1,Welder\n2,Tester\n3,\nx,Bad\n")
    hires = "1,Ann,2021-02-03T04:05:06Z,1,1\n"
    (folder / "hired_employees.csv").write_text(hires)
    (folder / "notes.txt").write_text("not a table")
    sample = tmp_path_factory.mktemp("sample") / "prices.csv"
    sample.write_text("thing,price\ncar,1\n")
    return Places(operator, files=str(folder), sample=str(sample))


class Places(dict):
    """Ids are looked up when they are needed."""

    def __init__(self, operator, **known):
        super().__init__(known)
        self._operator = operator

    def __missing__(self, name):
        queries = {
            "load": "select load_id from loads where kind = 'file' and rejected = 0 limit 1",
            "reject": "select reject_id from rejected_rows where reason = 'missing' "
            "order by reject_id limit 1",
            "other": "select reject_id from rejected_rows where status = 'rejected' "
            "order by reject_id limit 1",
        }
        (row,) = self._operator.ask(queries[name])
        return str(next(iter(row.values())))


@pytest.mark.parametrize("case", CASES, ids=[case.words for case in CASES])
def test_a_verb_shows_people_what_it_did(case, places, type_, operator):
    done = type_(*case.words.format_map(places).split())

    assert re.search(case.seen, done.out, re.MULTILINE), done.out
    assert done.code == case.code, done.out
    if case.words.startswith("drop"):
        operator.synced()


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_every_verb_is_tried(verb):
    assert any(case.words.split()[0] == verb for case in CASES) or verb in ELSEWHERE


# Once more, after all of the others: what can be done twice has the same shape, and exit code.
@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.shape and not case.words.startswith(("replay", "token"))],
    ids=lambda case: case.words,
)
def test_json_has_the_documented_shape(case, places, run, operator):
    done = run(*case.words.format_map(places).split(), "--json")

    assert done.code == case.code, done.err
    jsonschema.validate(done.json, SHAPES[case.shape])
    if case.words.startswith("drop"):
        operator.synced()


def test_json_of_tokens_and_replays_has_the_documented_shape(operator, run):
    operator.dropped("jobs-b.csv", b"7,\n")
    (row,) = operator.ask("select max(reject_id) as reject_id from rejected_rows")
    for words, shape, code in (
        (f"replay {row['reject_id']} --set job=", "replay", 2),
        (f"replay {row['reject_id']} --set job=Baker", "replay", 0),
        ("token new bob --scopes metrics", "token new", 0),
        ("token list", "token list", 0),
        ("token revoke bob", "token revoke", 0),
    ):
        done = run("--json", *words.split())
        assert done.code == code, (words, done.err)
        jsonschema.validate(done.json, SHAPES[shape])


def commands(group, before=""):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")
        else:
            yield f"{before}{name}", command


def test_every_verb_with_json_has_a_documented_shape():
    with_json = {
        name for name, one in commands(cli) if any(p.name == "as_json" for p in one.params)
    }

    assert with_json == {name for name in SHAPES if not name.endswith((" KEY", " NAME"))}


def test_every_shape_is_of_a_case():
    assert {case.shape for case in CASES if case.shape} == set(SHAPES)


def test_without_a_verb_it_says_what_it_is_and_what_to_do_first():
    done = typed()

    assert done.code == 0
    assert "./tablegate demo" in done.out
