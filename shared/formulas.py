"""Cells of CSV files that a spreadsheet shows as text and never runs as formulas.

A spreadsheet recognises a formula by its first character. Some skip blanks and zero-width
characters before it, and treat the full-width characters of East Asian keyboards as the same.
"""

import re

_BLANK = r"[\s\x00-\x20\ufeff\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069]*"
# An apostrophe too, to tell an original apostrophe from an added one.
_IS_TAKEN_FOR_MORE = re.compile(rf"[\t\r\n']|{_BLANK}[=+\-@|%＝＋－＠｜％﹦﹢﹣﹫]").match


def shield(cell: str) -> str:
    """The cell, with an apostrophe before it if a spreadsheet would run it."""
    return f"'{cell}" if _IS_TAKEN_FOR_MORE(cell) else cell


def unshield(cell: str) -> str:
    """The cell that `shield` was given."""
    return cell[1:] if cell.startswith("'") and _IS_TAKEN_FOR_MORE(cell[1:]) else cell
