"""Escapes CSV cells so that a spreadsheet shows them as text and never runs them as formulas.

A spreadsheet recognises a formula by its first character. Some skip blanks and zero-width
characters before it, and treat the full-width characters of East Asian keyboards as the same.
"""

import re

_BLANK = r"[\s\x00-\x20\ufeff\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069]*"
# Apostrophes are escaped too, to distinguish an original one from an added one.
_IS_TAKEN_FOR_MORE = re.compile(rf"[\t\r\n']|{_BLANK}[=+\-@|%＝＋－＠｜％﹦﹢﹣﹫]").match


def shield(cell: str) -> str:
    """Put an apostrophe before the cell if a spreadsheet would run it."""
    return f"'{cell}" if _IS_TAKEN_FOR_MORE(cell) else cell


def unshield(cell: str) -> str:
    """Undo `shield`."""
    return cell[1:] if cell.startswith("'") and _IS_TAKEN_FOR_MORE(cell[1:]) else cell
