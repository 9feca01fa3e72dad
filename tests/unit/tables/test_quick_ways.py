"""The quick parts of every kind accept nothing that its rule rejects, and take ordinary values."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared import strict_json
from shared.strict_json import NotStrictJson
from shared.tables import (
    Boolean,
    Choice,
    Date,
    Decimal,
    Float,
    Integer,
    LocalTimestamp,
    Row,
    Table,
    Time,
    Uuid,
)
from shared.tables.column import unescape
from shared.tables.kind import Cell
from shared.tables.kinds import KINDS
from shared.validation import plain
from tests.support.every_kind import SAMPLES

BY_KIND = {sample.kind: sample for sample in SAMPLES}
ODD = st.sampled_from(
    [
        "",
        " ",
        "-",
        "+",
        "0",
        "00",
        ".",
        "e",
        "E5",
        ",",
        '"',
        "\n",
        "\t",
        "\\",
        "Z",
        "T",
        ":",
        "٣",
        "x",
    ]
)


def test_every_kind_has_samples():
    assert set(BY_KIND) == set(KINDS.values())


@st.composite
def texts(draw, form):
    """A field, and a cell or a JSON text that is nearly one of its values."""
    sample = draw(st.sampled_from(SAMPLES))
    options = draw(sample.options)
    value = draw(sample.values(**options))
    text = draw(st.sampled_from(sample.spellings(value)[form]))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        end = draw(st.integers(place, min(place + 2, len(text))))
        text = text[:place] + draw(ODD) + text[end:]
    bad = (sample.bad_cells, list(map(json.dumps, sample.bad_json)))[form]
    return sample.kind(**options), draw(st.sampled_from([text, text, *bad]))


@given(texts(0))
def test_a_cell_that_goes_a_quick_way_is_good_as_it_stands(drawn):
    field, text = drawn
    try:
        wanted = field.deserialize(Cell(text))
    except ValidationError:
        wanted = None
    pattern = field.cell_pattern
    is_plain = pattern is not None and re.fullmatch(pattern, text, re.ASCII) is not None
    encoded = field.cell_encoder(text)

    if is_plain:
        assert wanted is not None
        assert not set(text) & set(',"\\\t\r\n')
        assert encoded == text
    assert encoded is None or wanted is not None


def run_of(field, cell):
    """Whether a line with this cell is a run of plainly good lines, between two columns."""
    members = {"id": Integer(), "it": field, "last": Integer()}
    lines = plain.PlainLines(Table("things", type("Thing", (Row,), members)), range(3))
    line = b"1," + cell + b",2\n"
    return lines.end(line, 0) == len(line) and not lines.is_doubtful(line) and not lines.undecided


@given(texts(0))
def test_re2_takes_no_cell_that_the_rule_does_not(drawn):
    field, text = drawn
    try:
        field.deserialize(Cell(text))
        is_good = True
    except ValidationError:
        is_good = False
    is_plain = field.cell_pattern is not None and re.fullmatch(field.cell_pattern, text, re.ASCII)

    is_run = run_of(field, text.encode(errors="surrogatepass"))

    assert is_good or not is_run
    if is_run:
        assert is_plain or field.nullable
        assert not set(text) & set(',"\\\t\r\n')


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind.__name__)
@pytest.mark.parametrize("odd", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xc0\xaf"])
def test_no_kind_takes_bytes_that_are_no_characters(sample, odd):
    field = sample.kind.sample()

    for cell in (odd, b"a" + odd, odd + b"a", b"1" + odd):
        assert not run_of(field, cell)


@given(texts(1))
def test_a_json_value_that_goes_the_quick_way_is_good(drawn):
    field, text = drawn
    if field.json_type is None:
        return
    try:
        found = msgspec.json.decode(text, type=field.json_type)
    except (msgspec.MsgspecError, UnicodeError):
        return
    if found is None or (field.json_check is not None and not field.json_check([found])):
        return
    try:
        value = strict_json.decode_row(text.encode())
    except NotStrictJson:
        # A whole body is strict JSON, or no quick way is taken.
        return

    checked = field.deserialize(value)

    if field.json_type is msgspec.Raw:
        (found,) = field.of_json_texts([bytes(found).decode()])
    assert field.deserialize(Cell(unescape(field.copy_text(checked)))) == checked
    assert "\n" not in field.copy_text(found)


@pytest.mark.parametrize(
    ("field", "cells"),
    [
        (Integer(), ["1", "-17", "0", "007"]),
        (Integer(minimum=-10, maximum=255), ["10", "-1"]),
        (Decimal(), ["1", "-1.5", "12.50", "0.01"]),
        (Decimal(digits=5, places=0, minimum=0), ["0", "99999"]),
        (Decimal(minimum="0.01"), ["0.01", "10"]),
        (Float(), ["0.5", "-2", "123.456"]),
        (Boolean(), ["true", "FALSE"]),
        (Choice(of=("open", "paid")), ["open", "paid"]),
        (Date(), ["2021-07-27", "1999-12-31"]),
        (Time(), ["16:02:08", "00:00:00.5"]),
        (LocalTimestamp(), ["2021-07-27T16:02:08"]),
        (Uuid(), ["0f8fad5b-d9cb-469f-a165-70867728950e"]),
    ],
)
def test_ordinary_values_go_the_quick_ways(field, cells):
    assert all(re.fullmatch(field.cell_pattern, cell) for cell in cells)
    assert all(run_of(field, cell.encode()) for cell in cells)
    texts = [json.dumps(cell) for cell in cells]
    if isinstance(field, Integer | Float | Boolean):
        # JSON has neither zeros in front, nor words in capitals.
        texts = [cell.lower().lstrip("0") or "0" for cell in cells]
        texts = [f"0{text}" if text.startswith(".") else text for text in texts]

    found = [msgspec.json.decode(text, type=field.json_type) for text in texts]

    assert field.json_check is None or field.json_check(found)


@pytest.mark.parametrize(
    ("field", "cell", "code"),
    [
        (Decimal(places=2), "1.234", "too_many_places"),
        (Decimal(places=2), "1.230", None),
        (Decimal(digits=4, places=2), "100", "decimal_out_of_range"),
        (Decimal(minimum="0.01"), "0.00", "decimal_out_of_range"),
        (Decimal(minimum="0.01"), "-0.01", "decimal_out_of_range"),
        (Float(minimum=0), "-0.5", "number_out_of_range"),
        (Float(), "1e309", "number_out_of_range"),
        (Date(minimum="2000-01-01"), "1999-12-31", "date_out_of_range"),
        (Date(maximum="2000-01-01"), "2000-01-02", "date_out_of_range"),
        (Time(minimum="08:00:00", maximum="18:00:00"), "07:59:59.999999", "time_out_of_range"),
        (Integer(minimum=0, maximum=5), "6", "out_of_range"),
        (Choice(of=("a", "b")), "c", "not_a_choice"),
    ],
)
def test_a_limit_is_kept_and_the_code_says_which(field, cell, code):
    try:
        field.deserialize(Cell(cell))
        found = None
    except ValidationError as error:
        (refusal,) = error.messages
        found = refusal.code

    assert found == code
    assert code is None or not (field.cell_pattern and re.fullmatch(field.cell_pattern, cell))
