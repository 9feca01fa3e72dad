"""`table new` proposes a table's file that loads the sample it was made from."""

import importlib.util
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import proposal
from infra.cli.errors import Failure
from shared.validation.csv_rows import blocks
from shared.validation.rows import Block


def table_of(found, folder):
    path = folder / f"{found.name}.py"
    path.write_text(found.text)
    specification = importlib.util.spec_from_file_location(f"proposed_{found.name}", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.TABLE


def loaded(table, content):
    """How many rows of a file would be stored, and how many rejected."""
    found: list[Block] = list(blocks(table, io.BytesIO(content), 1 << 20))
    stored = sum((block.copied() or b"").count(b"\n") for block in found)
    return stored, sum(len(block.rejects) for block in found)


def proposed(tmp_path, text, name="things.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return proposal.propose(path, None)


def test_each_column_gets_the_narrowest_kind_that_all_its_cells_fit(tmp_path):
    text = "id,Name,seen_at,code\n1,Ann,2021-02-03T04:05:06Z,007\n2,Bob,2021-02-03T04:05:07Z,x1\n"
    found = proposed(tmp_path, text)
    table = table_of(found, tmp_path)

    kinds = {name: type(field).__name__ for name, field in table.fields.items()}
    assert kinds == {"id": "Integer", "name": "Text", "seen_at": "Timestamp", "code": "Text"}
    assert table.key == ("id",)
    assert loaded(table, text.encode()) == (2, 0)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("1,Ann\n2,Bob\n", "has no header"),
        ("id,name\n1,Ann\n2,\n", "1 of 2 cells are empty"),
        (
            "Employee Id,Name\n1,Ann\n2,Bob\n",
            "Change the first line of the file to: employee_id,name",
        ),
        ("id,name\n1,Ann\n1,Ann\n", "No one or two columns identify a row"),
        ("thing,year\ncar,1\ncar,2\nbus,1\n", "thing and year together are"),
        ("id,name\n1,Ann\n2,Bob,3\n3,Cy\n", "1 of 3 rows do not have 2 columns"),
        (
            "id,n\n" + "".join(f"{i},{i}\n" for i in range(1, 20)) + "20,x\n",
            "19 of 20 values fit Integer()",
        ),
        ("id,job_id\n1,1\n2,1\n", "If job_id is the id of a row of jobs"),
    ],
)
def test_doubts_are_comments_in_the_file(tmp_path, text, doubt):
    found = proposed(tmp_path, text)

    assert doubt in found.text
    assert table_of(found, tmp_path).name == "things"


@pytest.mark.parametrize("name", ["2021 prices.csv", "Préis.csv", "class-2.csv.gz", "-.csv"])
def test_a_files_name_becomes_one_that_the_dictionary_takes(tmp_path, name):
    import gzip

    text = b"id\n1\n"
    found = proposed(tmp_path, gzip.compress(text) if name.endswith("gz") else text, name)

    assert proposal._identifier(found.name, "table") == found.name
    assert table_of(found, tmp_path).names == ("id",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "has no rows"),
        (b"\n\n", "has no rows"),
        (b"a\xff,b\n", "cannot be read as CSV in UTF-8"),
    ],
)
def test_what_is_no_sample_is_refused(tmp_path, content, why):
    with pytest.raises(Failure, match=why):
        proposed(tmp_path, content)


CELLS = st.one_of(
    st.integers(1, 2**62).map(str),
    st.datetimes().map(lambda m: m.replace(microsecond=0).isoformat() + "Z"),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10).filter(
        lambda text: text.strip() == text
    ),
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=10))
def test_what_is_proposed_loads_every_row_of_the_sample(tmp_path_factory, rows):
    import csv

    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("first", "second"), *rows])
    folder = tmp_path_factory.mktemp("sample")

    table = table_of(proposed(folder, text.getvalue()), folder)

    assert loaded(table, text.getvalue().encode())[1] == 0
