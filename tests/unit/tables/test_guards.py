"""A dictionary that contradicts itself is refused, with the file and what to do."""

import subprocess
import sys

import pytest

from shared import tables
from shared.errors import ConfigurationError
from shared.tables import Float, Integer, Json, Reference, Row, Table, Text, guards
from shared.tables.kinds import KINDS, _found
from tests.support.checkout import ROOT


def table(name="things", key=("id",), references=(), unique=(), **fields):
    members = {"id": Integer(), **fields}
    schema = type("Thing", (Row,), members)
    return Table(name, schema, key=key, references=references, unique=unique)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (table(name="Things"), "the name 'Things' cannot be used"),
        (table(name="t" * 57), "at most 56 small letters"),
        (table(name="loads"), "'loads' is a table of the platform"),
        (table(load_id=Text()), "'load_id' is a column of the platform"),
        (table(**{"a b": Text()}), "the name 'a b' cannot be used"),
        (table(a=Text(aliases=("B",)), b=Text()), "'a' and 'b' may both be called 'b'"),
        (table(a=Text(aliases=("No",)), b=Text(aliases=("NO",))), "may both be called 'no'"),
        (table(key=("x",)), "the key's 'x' is not one of its fields"),
        (table(key=("a",), a=Text(optional=True)), "the key's 'a' is optional"),
        (table(key=("a",), a=Json()), "the key's 'a' is a Json, which identifies no row"),
        (table(key=("id", "a"), a=Float()), "the key's 'a' is a Float, which identifies no row"),
        (table(key=("id", "id")), "the key has a field twice"),
        (table(references=(Reference("x", "jobs"),)), "has x, not a field of the table"),
        (
            table(a=Text(), references=(Reference("a", "jobs"),)),
            "compares a, a text, with id, a bigint",
        ),
        (
            table(a=Integer(), references=(Reference("a", "jobs", "job"),)),
            "is not to its key, id",
        ),
        (table(unique=(("x",),)), "('x',) of unique is not a tuple of different fields"),
        (table(unique=("id",)), "'id' of unique is not a tuple"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(made, said):
    with pytest.raises(ConfigurationError) as caught:
        tables.in_order({**tables.all_tables(), made.name: made})

    assert said in str(caught.value)
    assert str(caught.value).endswith("Correct its file in shared/tables.")


def test_a_file_without_a_table_and_a_table_of_two_files_are_refused():
    with pytest.raises(
        ConfigurationError, match=r"shared/tables/notes.py defines no TABLE; define"
    ):
        guards.table_of("notes", None, {})
    with pytest.raises(ConfigurationError, match="which another file there describes, too"):
        guards.table_of("others", table(), {"things": table()})


@pytest.mark.parametrize("name", ["find", "children", "in_order", "Text", "cache"])
def test_a_file_whose_name_hides_one_of_the_packages_is_refused(tmp_path, name):
    program = (
        f"import shared.tables; shared.tables.__path__.append({str(tmp_path)!r}); "
        "shared.tables.all_tables()"
    )
    (tmp_path / f"{name}.py").write_text("TABLE = None\n")

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert f"shared/tables/{name}.py hides shared.tables.{name}" in done.stderr


def test_every_kind_is_found_once():
    assert _found() == KINDS
