"""Escapes CSV cells so that a spreadsheet shows them as text and never runs them as formulas.

A spreadsheet recognises a formula by a cell's first character. Some skip blanks and zero-width
characters before it, and treat the full-width characters of East Asian keyboards as the same.
"""

import re

_BLANK = r"[\s\x00-\x20\ufeff\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069]*"
# Apostrophes are escaped too, to distinguish an original one from an added one.
_IS_TAKEN_FOR_MORE = re.compile(rf"[\t\r\n']|{_BLANK}[=+\-@|%＝＋－＠｜％﹦﹢﹣﹫]").match


# Where a spreadsheet that is set to another separator begins a cell: for it, the quotation marks of
# a cell that is not the first of its line are ordinary characters.
_BEGINNING = re.compile(r"(?<=[;\t\r\n])[^;\t\r\n]+")


def shield(cell: str) -> str:
    """Put an apostrophe wherever a spreadsheet would find the beginning of a formula."""
    lead = "'" if _IS_TAKEN_FOR_MORE(cell) else ""
    return lead + _BEGINNING.sub(_with_apostrophe, cell)


def unshield(cell: str) -> str:
    """Undo `shield`."""
    return _stripped(_BEGINNING.sub(lambda found: _stripped(found[0]), cell))


def _with_apostrophe(found: re.Match[str]) -> str:
    return f"'{found[0]}" if _IS_TAKEN_FOR_MORE(found[0]) else found[0]


def _stripped(text: str) -> str:
    return text[1:] if text.startswith("'") and _IS_TAKEN_FOR_MORE(text[1:]) else text
