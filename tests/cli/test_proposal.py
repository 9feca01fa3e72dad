"""`table new` proposes a table's file that loads the sample it was made from."""

import csv
import importlib.util
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import proposal
from infra.cli.errors import Failure
from shared.tables import in_order
from shared.validation.csv_rows import blocks
from shared.validation.rows import Block


def table_of(found, folder):
    path = folder / f"{found.name}.py"
    path.write_text(found.text)
    specification = importlib.util.spec_from_file_location(f"proposed_{found.name}", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    # The dictionary accepts it.
    return in_order({module.TABLE.name: module.TABLE})[module.TABLE.name]


def loaded(table, content):
    """How many rows of a file would be stored, and how many rejected."""
    found: list[Block] = list(blocks(table, io.BytesIO(content), 1 << 20))
    stored = sum((block.copied() or b"").count(b"\n") for block in found)
    return stored, sum(len(block.rejects) for block in found)


def proposed(tmp_path, text, name="things.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return proposal.propose(path, None)


def described(table):
    return {name: type(field).__name__ for name, field in table.fields.items()}


ALL_KINDS = """id,Order No,paid,total,weight,is_gift,ordered_on,at,sent_at,seen_at,token,extra,note
1,007,-3,12.50,1e-7,true,2021-02-03,04:05:06,2021-02-03T04:05:06Z,2021-02-03T04:05:06,\
0f8fad5b-d9cb-469f-a165-70867728950e,"{""a"": [1]}",none
2,x1,4,-7,0.12345678901,FALSE,2024-02-29,23:59:59.5,2021-02-03T04:05:06+02:00,\
2021-02-03T04:05:06.123456,0F8FAD5B-D9CB-469F-A165-70867728950F,[],"a, b"
""".replace("\\\n", "")


def test_each_column_gets_the_narrowest_kind_that_all_its_cells_fit(tmp_path):
    found = proposed(tmp_path, ALL_KINDS)
    table = table_of(found, tmp_path)

    assert described(table) == {
        "id": "Integer",
        "order_no": "Text",
        "paid": "Integer",
        "total": "Decimal",
        "weight": "Float",
        "is_gift": "Boolean",
        "ordered_on": "Date",
        "at": "Time",
        "sent_at": "Timestamp",
        "seen_at": "LocalTimestamp",
        "token": "Uuid",
        "extra": "Json",
        "note": "Text",
    }
    assert table.key == ("id",)
    assert loaded(table, ALL_KINDS.encode()) == (2, 0)


def test_a_column_of_few_texts_that_repeat_is_a_choice(tmp_path):
    text = "id,status,place\n" + "".join(
        f"{i},{'open' if i % 3 else 'paid, sent'},p{i % 11}\n"
        if i % 3
        else f'{i},"paid, sent",p{i % 11}\n'
        for i in range(1, 23)
    )
    found = proposed(tmp_path, text)
    table = table_of(found, tmp_path)

    assert described(table) == {"id": "Integer", "status": "Choice", "place": "Text"}
    assert table.fields["status"].of == ("open", "paid, sent")
    assert "# The sample has only these values" in found.text
    assert loaded(table, text.encode()) == (22, 0)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2"], "thing_id = Integer(minimum=1, "),
        (["0", "2"], "thing_id = Integer(description="),
        (["01", "02"], "thing_id = Text("),
        (["9" * 20, "1"], "thing_id = Decimal(digits=20, places=0, "),
        (["1.5", "22.125"], "thing_id = Decimal(digits=18, places=3, "),
        (["1." + "1" * 9, "1"], "Decimal(digits=18, places=9, "),
        (["1." + "1" * 10, "1"], "Float("),
        (["9" * 39, "1"], "Text("),
        (["1e5", "1"], "Float("),
        (["1e400", "1"], "Text("),
        (["true", "no"], "Text("),
        (['"a"', "{}"], "Text("),
        (["open", "paid"], "Text("),
        (["x" * 1001, "y"], "Text(max_length=1001, "),
    ],
)
def test_the_options_come_from_the_cells(tmp_path, cells, expected):
    text = io.StringIO()
    csv.writer(text).writerows([("Thing_ID",), *([cell] for cell in cells)])
    found = proposed(tmp_path, text.getvalue())

    assert expected in found.text
    assert loaded(table_of(found, tmp_path), text.getvalue().encode()) == (2, 0)


def test_a_count_is_not_negative(tmp_path):
    found = proposed(tmp_path, "id,item_count,balance\n1,0,0\n2,3,5\n")

    assert "item_count = Integer(minimum=0, " in found.text
    assert "balance = Integer(description=" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "id,name\n1,Ann\n2,\n",
        'id,name,n\n1,Ann,\n2," ",7\n',
        "id,nothing\n1,\n2,\n",
    ],
)
def test_a_column_with_empty_cells_is_optional(tmp_path, text):
    table = table_of(proposed(tmp_path, text), tmp_path)

    assert [name for name, field in table.fields.items() if field.nullable] == list(table.names[1:])
    assert loaded(table, text.encode()) == (2, 0)


@pytest.mark.parametrize(
    "header",
    [
        "Employee Id,Name",
        ' Order No ,"Préis, €"',
        "Order No,order_no",
        "from,class",
        "accepted_at,position",
        "a_2,A",
        f"{'n' * 70},{'n' * 71}",
        "a-b,a b",
    ],
)
def test_a_header_of_other_names_has_aliases(tmp_path, header):
    text = f"{header}\n1,Ann\n2,Bob\n"
    found = proposed(tmp_path, text)

    assert "Change the first line" not in found.text
    assert loaded(table_of(found, tmp_path), text.encode()) == (2, 0)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("1,Ann\n2,Bob\n", "has no header"),
        ("id,name\n1,\n2,\n", "All cells are empty."),
        ("a,b\n1,x\n1,x\n,x\n,x\n", "with b as the key"),
        ('a\n1\n1\n" "\n', "1 of 3 cells are empty; rows without a value are rejected"),
        ("Name,name\n1,Ann\n2,Bob\n", "Change the first line of the file to: name,name_2"),
        ("id,_note\n1,Ann\n2,Bob\n", "Change the first line of the file to: id,note"),
        ("id,name\n1,Ann\n1,Ann\n", "No one or two columns identify a row"),
        ("thing,year\ncar,1\ncar,2\nbus,1\n", "thing and year together are"),
        ("id,name\n1,Ann\n2,Bob,3\n3,Cy\n", "1 of 3 rows do not have 2 columns"),
        (
            "id,n\n" + "".join(f"{i},{i}\n" for i in range(1, 20)) + "20,x\n",
            "19 of 20 values fit Integer()",
        ),
        (
            "id,n\n" + "".join(f"{i},{i}\n" for i in range(1, 20)) + "20,NULL\n",
            'list it in missing=("", "NULL")',
        ),
        ("id,job_id\n1,1\n2,1\n", "If job_id is the id of a row of jobs"),
        ("id,code\n1,007\n2,008\n", "begin with zeros"),
        ("id,at\n1,2021-02-03T04:05:06\n", 'Timestamp(zone="Europe/Berlin")'),
        ("id,at\n1,2021-02-03 04:05:06\n", "with a T between them"),
        ("id,x\n1,0.12345678901234567\n", "up to 17 digits"),
    ],
)
def test_doubts_are_comments_in_the_file(tmp_path, text, doubt):
    found = proposed(tmp_path, text)

    assert doubt in found.text
    assert any(doubt in one for one in found.doubts) or "If job_id" in doubt
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
    st.just(""),
    st.integers().map(str),
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.booleans().map(str),
    st.dates().map(str),
    st.times().map(str),
    st.datetimes().map(lambda m: m.isoformat()),
    st.datetimes().map(lambda m: m.replace(microsecond=0).isoformat() + "Z"),
    st.uuids().map(str),
    st.sampled_from(["{}", "[1]", "open", " ", "NULL", "007", "-0"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10).filter(
        lambda text: text.strip() == text
    ),
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=10))
def test_what_is_proposed_loads_every_row_of_the_sample(tmp_path_factory, rows):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
        [("id", "first", "second"), *((at, *row) for at, row in enumerate(rows))]
    )
    folder = tmp_path_factory.mktemp("sample")

    table = table_of(proposed(folder, text.getvalue()), folder)

    assert loaded(table, text.getvalue().encode())[1] == 0


@pytest.mark.parametrize("cells", [["1e5", "1.5"], ['{"a": 1}', "[]"]], ids=["Float", "Json"])
def test_a_table_in_which_nothing_can_be_a_key_is_append_only(tmp_path, cells):
    text = io.StringIO()
    csv.writer(text).writerows([("reading",), *([cell] for cell in cells)])

    found = proposed(tmp_path, text.getvalue())
    table = table_of(found, tmp_path)

    assert table.key == ()
    assert "each row that is sent is stored once" in "".join(found.doubts)
    assert loaded(table, text.getvalue().encode()) == (2, 0)
