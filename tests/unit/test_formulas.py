"""What a spreadsheet would run is shielded, and every cell comes back as it was."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formulas import shield, unshield

STARTS = "=+-@|%＝＋－＠｜％﹦﹢﹣﹫"
BLANKS = " \t\r\n\x00\x0b\x0c\x1f\x85\xa0\xad\u200b\u200d\u200f\u2028\u202e\u2060\u2069\u3000\ufeff"


@pytest.mark.parametrize("start", STARTS)
def test_a_cell_that_starts_as_a_formula_is_shielded(start):
    assert shield(f"{start}1") == f"'{start}1"
    assert shield(start) == f"'{start}"


@pytest.mark.parametrize("start", "=-＝")
@pytest.mark.parametrize("blank", [*BLANKS, BLANKS])
def test_blanks_before_it_hide_no_formula(start, blank):
    shielded = shield(f"{blank}{start}1")

    assert shielded.startswith(f"'{blank[0]}")
    assert unshield(shielded) == f"{blank}{start}1"


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r", "\r\n", "; "])
@pytest.mark.parametrize("start", "=+-@＝")
def test_a_formula_after_another_separator_is_shielded(separator, start):
    cell = f"Ada{separator}{start}cmd"

    assert (
        shield(cell)
        == f"Ada{separator.rstrip(' ')}'{separator[len(separator.rstrip(' ')) :]}{start}cmd"
    )
    assert unshield(shield(cell)) == cell


@pytest.mark.parametrize("cell", ["a;b", "a\tb", "a; b-c", "a;b='x'"])
def test_a_separator_without_a_formula_stays_as_it_is(cell):
    assert shield(cell) == cell
    assert unshield(cell) == cell


@pytest.mark.parametrize("cell", ["\tx", "\rx", "\nx", "'", "'x", "''=1"])
def test_a_cell_that_starts_with_a_control_character_or_an_apostrophe_is_shielded(cell):
    assert shield(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ada", "1", "a=1", "a-b", " x", "x'", '"=1"', "\u200bx", "é"])
def test_an_ordinary_cell_stays_as_it_is(cell):
    assert shield(cell) == cell
    assert unshield(cell) == cell


@pytest.mark.parametrize("cell", ["'Ada", "' x", "'"])
def test_an_apostrophe_that_shields_nothing_stays(cell):
    assert unshield(cell) == cell


CELLS = st.text(st.sampled_from(f"{STARTS}{BLANKS}';ab1,\""), max_size=8)


@given(CELLS)
def test_every_cell_comes_back(cell):
    assert unshield(shield(cell)) == cell


@given(CELLS)
def test_no_shielded_cell_starts_as_a_formula(cell):
    for part in re.split(r"[;\t\r\n]", shield(cell)):
        assert part.lstrip(BLANKS)[:1] not in {*STARTS}
