"""The golden files hold the SQL that is composed for `hired_employees`."""

import ast
from itertools import chain
from pathlib import Path

import pytest
import sqlglot
from sqlglot.tokens import TokenType

from tests import golden

ROOT = Path(__file__).parents[2]
FILES = golden.files()
FIXED = sorted(p for p in (ROOT / "shared").rglob("*.sql") if p.parent.name != "merge")
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in FIXED} | FILES


def templates(path):
    """The literal texts that a module passes to `composed`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("composed"):
            yield from (
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


TEMPLATES = {
    f"{path.relative_to(ROOT)}, template {number}": text
    for path in sorted((ROOT / "shared").rglob("*.py"))
    for number, text in enumerate(templates(path), 1)
}


@pytest.mark.parametrize("name", FILES)
def test_a_golden_file_equals_the_composed_sql(name):
    assert (golden.FOLDER / name).read_text() == FILES[name], (
        "a composed statement has changed; run `make golden` and read the difference"
    )


def test_there_are_no_stale_golden_files():
    found = {str(path.relative_to(golden.FOLDER)) for path in golden.FOLDER.rglob("*.sql")}

    assert found == set(FILES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_composed_statement_is_in_a_golden_file(name):
    shown = "\n".join(FILES.values())
    # The text between a template's placeholders appears unchanged in the statement.
    lines = TEMPLATES[name].splitlines()
    pieces = chain.from_iterable(line.replace("}", "{").split("{")[::2] for line in lines)

    assert [piece for piece in pieces if piece.strip() not in shown] == []


@pytest.mark.parametrize("name", TEXTS)
def test_tables_and_subqueries_have_no_one_letter_aliases(name):
    is_bigquery = "metrics" in name or ("warehouse" in name and "ledger" not in name)
    dialect = "bigquery" if is_bigquery else "postgres"
    tokens = sqlglot.tokenize(TEXTS[name], dialect=dialect)

    assert {t.text for t in tokens if t.token_type == TokenType.VAR and len(t.text) == 1} == set()
