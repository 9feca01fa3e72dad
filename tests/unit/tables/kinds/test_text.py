"""A text passes a quick way only if it may be stored, and reaches COPY as what it is."""

import re

import pytest
from marshmallow import ValidationError

from shared.tables import Text
from shared.tables.kind import Cell

# What COPY reads as its own, and how it is written for it.
ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
BLANKS = [" ", "\t", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u2028", "\u3000"]


@pytest.fixture
def text():
    return Text(max_length=5)


def verdict(field, value):
    try:
        return field.deserialize(value)
    except ValidationError as error:
        return error.messages[0].code


def plain(field, cell):
    return re.fullmatch(field.cell_pattern, cell) is not None


@pytest.mark.parametrize(
    "value", ["a", "abcde", "a b", "Zoë", "😀😀😀😀😀", "\u200b", "'=a", "NULL"]
)
def test_an_ordinary_text_passes_every_way(text, value):
    assert verdict(text, value) == verdict(text, Cell(value)) == value
    assert plain(text, value)
    assert text.cell_encoder(value) == value
    assert text.json_check([value])
    assert text.copy_text(value) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("abcdef", "too_long"),
        ("abcde ", "too_long"),
        ("a\x00", "nul_character"),
        ("\x00", "nul_character"),
        ("\x00a", "nul_character"),
        *((blank, "blank") for blank in BLANKS),
        ("".join(BLANKS[:5]), "blank"),
    ],
)
def test_what_may_not_be_stored_passes_no_way(text, value, code):
    assert verdict(text, value) == verdict(text, Cell(value)) == code
    assert not plain(text, value)
    assert text.cell_encoder(value) is None
    assert not text.json_check([value])
    assert not text.json_check(["a", value])
    assert not text.json_check([value, "a"])


@pytest.mark.parametrize("value", ["\ud83d", "a\udfff", "\ude00\ud83d"])
def test_half_a_surrogate_pair_is_no_text(text, value):
    assert verdict(text, value) == "not_unicode"


@pytest.mark.parametrize("value", [1, True, ["a"], {"a": 1}, 1.5])
def test_what_is_no_text_is_refused(text, value):
    assert verdict(text, value) == "not_text"


@pytest.mark.parametrize("blank", BLANKS)
def test_a_plain_line_has_no_blank_at_a_cells_end(text, blank):
    assert not plain(text, f"a{blank}")
    assert text.cell_encoder(f"a{blank}") == text.copy_text(f"a{blank}")
    assert verdict(text, f"a{blank}") == f"a{blank}"


@pytest.mark.parametrize("special", [*ESCAPED, ",", '"'])
@pytest.mark.parametrize("around", ["{}b", "a{}b", "a{}", "a{0}{0}b"])
def test_what_copy_or_csv_reads_as_its_own_is_not_plain_and_is_escaped_alone(text, special, around):
    value = around.format(special)
    copied = around.format(ESCAPED.get(special, special))

    assert not plain(text, value)
    assert text.cell_encoder(value) == copied
    assert text.copy_text(value) == copied
    assert list(text.copy_texts(["x", value, "y"])) == ["x", copied, "y"]


@pytest.mark.parametrize("value", [r"C:\temp", r"a\b", r"\N", r"\.", "\\", r"\x41"])
def test_a_backslash_is_stored_as_a_backslash(value):
    text = Text()

    assert text.copy_text(value) == value.replace("\\", "\\\\")
    assert list(text.copy_texts([value])) == [value.replace("\\", "\\\\")]


def test_texts_that_need_no_escape_are_not_walked_through(text):
    values = ["a", "b"]

    assert text.copy_texts(values) is values


@pytest.mark.parametrize("max_length", [1, 2])
def test_the_shortest_limits_hold_in_every_way(max_length):
    text = Text(max_length=max_length)

    assert plain(text, "x" * max_length)
    assert text.cell_encoder("x" * max_length)
    assert text.json_check(["x" * max_length])
    assert not plain(text, "x" * (max_length + 1))
    assert not text.cell_encoder("x" * (max_length + 1))
    assert not text.json_check(["x" * (max_length + 1)])


@pytest.mark.parametrize("max_length", [1, 2, 3, 9, 10, 1000])
def test_the_example_fits_the_length(max_length):
    text = Text(max_length=max_length)

    assert verdict(text, text.example("a_country")) == "A country 1"[:max_length].rstrip()
